import pytest

from pyha.config.model import HealthDialogue


@pytest.mark.parametrize(("options", "complaint"), [
    ({"kind": "tcp", "keep_alive": True}, "only checks of kind http and apiserver can keep a connection"),
    ({"kind": "external"}, "needs a command")])
def test_what_does_not_fit_together_is_refused(options, complaint):
    with pytest.raises(ValueError, match=complaint):
        HealthDialogue(**options)


def test_what_fits_is_taken():
    assert HealthDialogue(kind="apiserver", keep_alive=True).uri == "/readyz"
    assert HealthDialogue(kind="external", command="/probe").command == "/probe"
