from pyha.vrrp.complaints import Complaints
from pyha.vrrp.effects import Report


def test_a_thing_is_said_once_and_then_once_a_minute_with_its_number():
    complaints = Complaints()
    assert complaints.about("ttl", "a", "it is so", 0.0) == [Report("warning", "it is so")]
    assert [complaints.about("ttl", "a", "it is so", float(now)) for now in range(1, 60)] == [[]] * 59
    assert complaints.about("ttl", "a", "it is so", 60.0) == [Report("warning", "it is so (60 times in 60 s)")]
    assert complaints.about("ttl", "a", "it is so", 61.0) == []


def test_other_things_and_other_senders_are_said_by_themselves():
    complaints = Complaints()
    for kind, who in (("ttl", "a"), ("ttl", "b"), ("checksum", "a")):
        assert len(complaints.about(kind, who, "it is so", 0.0)) == 1


def test_a_thousand_forged_senders_cost_64_lines_a_minute_and_no_memory():
    complaints = Complaints()
    said = [complaints.about("ttl", str(sender), "it is so", 0.0) for sender in range(1000)]
    assert sum(map(len, said)) == 64
    assert len(complaints.about("ttl", "1001", "it is so", 60.0)) == 1
