"""Advice about virtual routers: the same for a keepalived.conf and for a pyha.yaml."""

import pytest

from pyha.config.load import load
from pyha.config.source import Source

KEEPALIVED = """
{outside}
vrrp_instance VI_1 {{
  interface eth0
  virtual_router_id 51
  {words}
  virtual_ipaddress {{
    10.0.0.100/24
  }}
}}
"""
NATIVE = """
vrrp:
  {outside}
  routers:
    - name: VI_1
      interface: eth0
      vrid: 51
      addresses:
        - interface: 10.0.0.100/24
      {words}
"""


class NoFiles:
    def read(self, path):
        raise FileNotFoundError(path)

    def glob(self, _pattern):
        return []


def warnings(text, language):
    loaded = load([Source("file", text, language)], {}, NoFiles())
    assert not any(problem.fatal for problem in loaded.problems), loaded.problems
    return list(loaded.problems)


def keepalived(words="", outside=""):
    return warnings(KEEPALIVED.format(words=words, outside=outside), "keepalived")


def native(words="", outside=""):
    return warnings(NATIVE.format(words=words, outside=outside), "native")


def test_without_a_mistake_there_is_nothing_to_say():
    assert keepalived() == native() == []


CHECK = "vrrp_script chk {\n  script /bin/true\n  weight -20\n}"
SAID = {
    "its own address": ("its advertisements come from", "mcast_src_ip 10.0.0.100", "", "source: 10.0.0.100", ""),
    "a unicast peer": ("one of its unicast peers", "unicast_peer {\n 10.0.0.100\n }", "",
                       "unicast_peers: [10.0.0.100]", ""),
    "MASTER and nopreempt": ("MASTER", "state MASTER\n  nopreempt", "", "initial_state: MASTER\n      preempt: false",
                             ""),
    "MASTER and preempt_delay": ("preempt_delay", "state MASTER\n  preempt_delay 5", "",
                                 "initial_state: MASTER\n      preempt_delay: 5s", ""),
    "a weight too small": ("priority is still 130", "state MASTER\n  priority 150\n  track_script {\n chk\n }", CHECK,
                           "initial_state: MASTER\n      priority: 150\n      track_scripts: [{name: chk}]",
                           "scripts: [{name: chk, argv: [/bin/true], weight: -20}]"),
    "a script that nobody tracks": ("'chk' is not tracked by anything", "", CHECK,
                                    "", "scripts: [{name: chk, argv: [/bin/true], weight: -20}]"),
    "a long password": ("first 8 characters", "authentication {\n auth_type PASS\n auth_pass longerthan8\n }", "",
                        "authentication: {kind: PASS, password: longerthan8}", ""),
    "an option without effect": ("'encap' has no effect", "virtual_routes {\n 10.9.0.0/16 dev eth0 encap mpls\n }", "",
                                 "routes: [{destination: 10.9.0.0/16, family: 4, options: [[encap, mpls]]}]", ""),
}


@pytest.mark.parametrize("case", SAID)
def test_both_languages_have_the_same_advice(case):
    said, words, outside, words_native, outside_native = SAID[case]
    for problems in (keepalived(words, outside), native(words_native, outside_native)):
        assert any(said in problem.message for problem in problems), problems
        assert all(problem.origin.line > 1 for problem in problems)


def test_a_weight_that_is_large_enough_is_no_matter():
    check = "vrrp_script c {{\n script /bin/true\n weight {}\n}}\n"

    def about(priority, weight):
        return any("every check" in problem.message for problem in keepalived(
            f"state MASTER\n priority {priority}\n track_script {{\n c\n }}", check.format(weight)))
    assert not about(101, -2)
    assert about(101, -1)
    assert about(150, -30)
    assert not about(150, -60)
    assert about(150, 1)


@pytest.mark.parametrize(("words", "outside", "said"), [
    ("track_files: [{name: fil}]", "file_checks: [{name: file, path: /x}]", "there is no file check 'fil'"),
    ("track_processes: [{name: p}]", "", "there is no process check 'p'"),
    ("", "groups: [{name: g, members: [VI_2]}]", "there is no virtual router 'VI_2'"),
    ("", "track_groups: [{name: g, members: [VI_2]}]", "there is no virtual router 'VI_2'"),
])
def test_a_name_that_leads_nowhere_is_refused(words, outside, said):
    loaded = load([Source("file", NATIVE.format(words=words, outside=outside), "native")], {}, NoFiles())
    assert loaded.config is None
    assert [problem.message for problem in loaded.problems if problem.fatal] == [said]


def test_the_native_language_refreshes_what_switches_know_and_keepalived_s_does_not():
    for text, language, refresh in ((KEEPALIVED, "keepalived", 0), (NATIVE, "native", 60_000)):
        loaded = load([Source("file", text.format(words="", outside=""), language)], {}, NoFiles())
        assert loaded.config.vrrp.routers[0].garp.refresh == refresh
