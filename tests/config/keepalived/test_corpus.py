"""Real configurations: what the real daemon accepts gets through, and what does not says why, with its line."""

import csv
import glob
from pathlib import Path

import pytest

from pyha.config.keepalived.address import OPTIONS
from pyha.config.keepalived.routes import ROUTE_OPTIONS, RULE_OPTIONS
from pyha.config.keepalived.top import TOP
from pyha.config.keepalived.translate import translate
from pyha.config.review import review
from pyha.config.source import Source
from pyha.config.validate import validate

DIRECTORY = Path(__file__).parents[4] / "shared" / "corpus" / "keepalived"
pytestmark = [pytest.mark.corpus, pytest.mark.skipif(not DIRECTORY.is_dir(), reason="no corpus here")]

NOT_ACCEPTED_BY_KEEPALIVED = {
    "aws-aswatfz": "placeholder of a template",
    "charm-keepalived": "has no 'virtual_router_id'",  # `-t` only complains, the daemon ends
}
IPVS = "pyha does not balance with IPVS"


class Disk:
    def read(self, path):
        return Path(path).read_text(errors="replace")

    def glob(self, pattern):
        return sorted(glob.glob(pattern))


def _names():
    return sorted(path.stem for path in DIRECTORY.glob("*.conf"))


def _uses_ipvs(name):
    return "virtual_server" in (DIRECTORY / f"{name}.conf").read_text(errors="replace")


def _loaded(name):
    path = DIRECTORY / f"{name}.conf"
    draft = translate(Source(str(path), path.read_text(errors="replace"), "keepalived"), Disk(), {}, "pod-a")
    config, objections = validate(draft.data, draft.origins)
    problems = [*draft.problems, *objections]
    if config is not None:
        problems += review(config, draft.origins)
    return config, problems


@pytest.mark.parametrize("name", _names())
def test_what_the_real_daemon_accepts_gets_through_or_says_why(name):
    config, problems = _loaded(name)
    fatal = [problem for problem in problems if problem.fatal]
    assert all(problem.origin.line for problem in fatal)
    reason = NOT_ACCEPTED_BY_KEEPALIVED.get(name) or (IPVS if _uses_ipvs(name) else None)
    if reason is None:
        assert fatal == []
        assert config is not None
    else:
        assert any(reason in problem.message for problem in fatal), fatal


def test_the_index_agrees_about_what_the_real_daemon_accepts():
    with (DIRECTORY / "INDEX.tsv").open() as index:
        rows = list(csv.reader(index, delimiter="\t"))[1:]
    refused = {row[0] for row in rows if row[5] == "2" or "virtual router id must be set" in row[6]}
    assert refused == set(NOT_ACCEPTED_BY_KEEPALIVED)


def test_four_of_five_are_accepted_and_nearly_all_that_do_not_balance():
    names = [name for name in _names() if name not in NOT_ACCEPTED_BY_KEEPALIVED]
    refused = {name: [str(problem) for problem in _loaded(name)[1] if problem.fatal] for name in names}
    refused = {name: problems for name, problems in refused.items() if problems}
    for name, problems in refused.items():
        print(f"{name}: {problems[0]}")
    assert len(refused) <= 0.2 * len(names), sorted(refused)
    plain = [name for name in names if not _uses_ipvs(name)]
    assert len([name for name in plain if name in refused]) <= 0.05 * len(plain)


def test_nothing_is_told_twice():
    for name in _names():
        _, problems = _loaded(name)
        assert len(problems) == len(set(problems)), name


def test_kubeadms_own_example_works_unmodified():
    config, problems = _loaded("kubeadm-ha-considerations")
    assert problems == []
    router, script = config.vrrp.routers[0], config.vrrp.scripts[0]
    assert (router.interface, router.vrid, router.priority, router.version) == ("eth0", 51, 101, 2)
    assert router.initial_state == "MASTER"
    assert (router.authentication.kind, router.authentication.password) == ("PASS", "42")
    assert [str(address.interface) for address in router.addresses] == ["10.0.0.100/32"]
    assert [tracked.name for tracked in router.track_scripts] == [script.name]
    assert (script.interval, script.weight, script.fall, script.rise) == (3000, -2, 10, 2)
    assert not script.balancer


def test_openshifts_masters_mean_what_they_say():
    config, _problems = _loaded("openshift-mco-master")
    api, ingress = config.vrrp.routers
    assert (api.garp.refresh, ingress.garp.refresh) == (60_000, 60_000)
    assert api.authentication.password == "ostest_a"
    assert [str(peer) for peer in api.unicast_peers] == ["192.168.111.21", "192.168.111.22"]
    assert api.addresses[0].label == "vip"
    assert {script.name: script.weight for script in config.vrrp.scripts}["chk_ocp_lb"] == 20


def test_lines_for_another_node_are_not_for_this_one():
    config, _problems = _loaded("keepalived-operator")
    assert (config.vrrp.routers[0].initial_state, config.vrrp.routers[0].priority) == ("MASTER", 200)


KEYWORDS = DIRECTORY.parents[1] / "reference" / "keepalived-keywords.tsv"


@pytest.mark.skipif(not KEYWORDS.is_file(), reason="no list of keywords here")
def test_every_word_that_keepalived_knows_has_a_treatment():
    with KEYWORDS.open() as table:
        rows = [row for row in csv.DictReader(table, delimiter="\t") if not row["keyword"].startswith("<")]
    assert len(rows) > 500
    assert [f"{row['block']}: {row['keyword']}" for row in rows if not _treated(row["block"], row["keyword"])] == []


def _treated(block, word):
    """Whether a word of a block is known; a block without effect, or refused, is that with all its words."""
    if word == "include":
        return True
    vocabulary = TOP
    for name in block.split("/") if block != "(top)" else []:
        if name in (*vocabulary.refused, *vocabulary.ignored):
            return True
        if vocabulary.keywords[name].block == "entries":
            return word.removeprefix("option:") in (*OPTIONS, *ROUTE_OPTIONS, *RULE_OPTIONS, "weight")
        vocabulary = vocabulary.keywords[name].block
    return word in vocabulary.known
