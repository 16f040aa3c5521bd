from pyha.runtime.lateness import Lateness


def test_the_worst_of_the_last_minutes_fades_and_the_worst_of_all_stays():
    lateness = Lateness()
    assert (lateness.recent, lateness.worst) == (0, 0)
    lateness.note(0.004, 100.0)
    lateness.note(0.001, 101.0)
    assert (lateness.recent, lateness.worst) == (4000, 4000)
    lateness.note(0.002, 161.0)
    assert lateness.recent == 4000
    lateness.note(0.001, 222.0)
    assert (lateness.recent, lateness.worst) == (2000, 4000)
    lateness.note(0.003, 1000.0)
    assert lateness.recent == 3000
