"""Several files, one configuration: everything finds its line again."""

from pyha.config.load import load
from pyha.config.source import Source


class NoFiles:
    def read(self, path):
        raise FileNotFoundError(2, "No such file or directory")

    def glob(self, pattern):
        return []


HAPROXY = """\
defaults
    mode tcp
    timeout connect 2s
    timeout client 30s
    timeout server 30s
frontend api
    bind 127.0.0.1:6443
    default_backend masters
backend masters
    server m1 10.0.0.1:6443 check
"""
KEEPALIVED = """\
vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    virtual_ipaddress {
        10.0.0.100/24
    }
}
"""
NATIVE = """\
backends:
  - name: more
    servers:
      - {name: a, host: 10.0.0.9, port: 1}
"""


def together(**texts):
    names = {"native": "pyha.yaml", "haproxy": "haproxy.cfg", "keepalived": "keepalived.conf"}
    return load([Source(names[language], text, language) for language, text in texts.items()], {}, NoFiles(), "node")


def test_three_languages_make_one_model():
    loaded = together(native=NATIVE, haproxy=HAPROXY, keepalived=KEEPALIVED)
    assert loaded.config is not None, loaded.problems
    assert [backend.name for backend in loaded.config.backends] == ["more", "masters"]
    assert [frontend.name for frontend in loaded.config.frontends] == ["api"]
    assert [router.name for router in loaded.config.vrrp.routers] == ["VI_1"]


def test_what_a_later_file_says_keeps_its_own_line():
    loaded = together(native=NATIVE, haproxy=HAPROXY.replace("10.0.0.1:6443", "10.0.0.1:6443 weight 999"))
    assert loaded.config is None
    assert [(problem.origin.file, problem.origin.line) for problem in loaded.problems if problem.fatal] == [
        ("haproxy.cfg", 10)]


def test_names_that_meet_across_files_are_found():
    loaded = together(native=NATIVE.replace("more", "masters"), haproxy=HAPROXY)
    assert loaded.config is None
    assert [str(problem) for problem in loaded.problems if problem.fatal] == [
        "haproxy.cfg:9: error: there are two of the backend 'masters'; give one of them another name"]


def test_a_reference_to_nowhere_is_found_with_the_nearest_name():
    loaded = together(native="frontends:\n  - name: api\n    default_backend: mor\n" + NATIVE)
    assert [str(problem) for problem in loaded.problems] == [
        "pyha.yaml:3: error: there is no backend 'mor'; did you mean 'more'?"]


def test_problems_come_in_the_order_of_the_files_and_lines():
    haproxy = HAPROXY.replace("bind 127.0.0.1:6443", "bind 127.0.0.1:x").replace("masters\n", "mastres\n", 1)
    loaded = together(haproxy=haproxy, keepalived=KEEPALIVED.replace("51", "300"))
    found = [(problem.origin.file, problem.origin.line) for problem in loaded.problems if problem.fatal]
    assert found == [("haproxy.cfg", 7), ("haproxy.cfg", 8), ("keepalived.conf", 3)]


def test_nothing_at_all_is_an_empty_configuration():
    loaded = load([], {}, NoFiles())
    assert loaded.config is not None
    assert loaded.problems == ()
