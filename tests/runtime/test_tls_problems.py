from pyha.config.model import Backend, Check, CheckExpect, Config, HealthDialogue, Server, Tls
from pyha.runtime.tls_problems import tls_problems


def server(name, check):
    return Server(name=name, host="127.0.0.1", port=1, check=check)


def test_every_server_whose_check_cannot_speak_tls_is_named_with_its_place(tmp_path):
    missing = Tls(ca_file=str(tmp_path / "missing.pem"))
    config = Config(backends=(
        Backend(name="plain", servers=(server("a", Check()), server("b", None))),
        Backend(name="be", servers=(server("a", Check(tls=Tls(verify="none"))), server("b", Check(tls=missing)),
                                    server("c", Check(tls=Tls())))),
    ))
    found = tls_problems(config)
    assert [loc for loc, _ in found] == [("backends", 1, "servers", 1), ("backends", 1, "servers", 2)]
    assert found[0][1] == f"server be/b: ca-file {missing.ca_file} cannot be used: no such file or directory"
    assert found[1][1].startswith("server be/c: verify is on but no ca-file")


def test_a_pattern_that_cannot_be_read_is_the_backends_and_said_once():
    health = HealthDialogue(steps=(CheckExpect(match="rstring", pattern="("),))
    config = Config(backends=(Backend(name="be", health=health, servers=(server("a", Check()), server("b", Check()))),))
    (loc, sentence), = tls_problems(config)
    assert loc == ("backends", 0)
    assert sentence.startswith("backend be: '(' is not a regular expression")
