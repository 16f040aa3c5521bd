import pytest

from pyha.config.model import Backend, Check, HealthDialogue, Server
from pyha.health.dialogue import Conclude, Dialogue, RunProgram
from pyha.health.probes.external import briefing, script
from pyha.health.verdict import Verdict

SCRIPT = script(HealthDialogue(kind="external", command="/probe", path="/bin"), Check())


@pytest.mark.parametrize(("code", "verdict"), [
    (0, Verdict("PROCOK", 0)), (3, Verdict("PROCERR", 3)), (-9, Verdict("PROCERR", -1))])
def test_the_exit_code_decides(code, verdict):
    dialogue = Dialogue(SCRIPT)
    assert dialogue.start() == [RunProgram("/probe", "/bin")]
    assert dialogue.exited(code) == [Conclude(verdict)]


def test_a_program_may_take_too_long_or_not_exist():
    dialogue = Dialogue(SCRIPT)
    dialogue.start()
    assert dialogue.expired("exchange") == [Conclude(Verdict("PROCTOUT"))]
    assert Dialogue(SCRIPT).failed("exchange", "No such file or directory")[0].verdict.status == "SOCKERR"


def test_it_is_told_about_the_server_and_about_the_listener_if_there_is_one():
    server = Server(name="b", host="10.0.0.2", port=80, maxconn=5)
    backend = Backend(name="be", servers=(Server(name="a", host="10.0.0.1", port=80), server))
    arguments, environment = briefing(backend, server, "10.0.0.2", None, 3)
    assert arguments == ("NOT_USED", "NOT_USED", "10.0.0.2", "80")
    assert (environment["HAPROXY_SERVER_ID"], environment["HAPROXY_SERVER_CURCONN"]) == ("2", "3")
    arguments, environment = briefing(backend, server.model_copy(update={"port": None}), "10.0.0.2", ("::", 443), 0)
    assert (arguments, environment["HAPROXY_PROXY_PORT"]) == (("::", "443", "10.0.0.2", "0"), "443")
