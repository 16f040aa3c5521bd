"""Real configurations: what the real daemon accepts gets through, and what does not says why, with its line."""

import csv
from pathlib import Path

import pytest

from pyha.config.haproxy.translate import translate
from pyha.config.origin import Origin
from pyha.config.review import review
from pyha.config.source import Source
from pyha.config.validate import validate

DIRECTORY = Path(__file__).parents[4] / "shared" / "corpus" / "haproxy"
pytestmark = [pytest.mark.corpus, pytest.mark.skipif(not DIRECTORY.is_dir(), reason="no corpus here")]

REFUSED = {
    "bmcentos": "listens on 0.0.0.0:6443, and so does",  # two listeners on one address
    "evas1on": "does not terminate TLS",
    "harisekhon": "'http-request deny' is not supported in HTTP mode",
    "sadeghsobhi": "does not terminate TLS",
}
"""Files that the real daemon accepts and that are refused, with the reason that must be among those given."""


def _names(verdict):
    if not DIRECTORY.is_dir():
        return []
    with (DIRECTORY / "INDEX.tsv").open() as index:
        rows = list(csv.DictReader(index, delimiter="\t"))
    return [row["name"] for row in rows if row["haproxy 2.6.12 -c"].startswith(verdict)]


def _loaded(name):
    path = DIRECTORY / f"{name}.cfg"
    draft = translate([Source(path.name, path.read_text(), "haproxy")], {})
    config, objections = validate(draft.data, draft.origins)
    problems = [*draft.problems, *objections]
    if config is not None:
        problems += review(config, draft.origins)
    return config, problems


@pytest.mark.parametrize("name", _names("accepted"))
def test_what_the_real_daemon_accepts_gets_through_or_says_why(name):
    config, problems = _loaded(name)
    assert config is not None, problems
    fatal = [problem for problem in problems if problem.fatal]
    assert all(problem.origin.line for problem in fatal)
    reason = REFUSED.get(name)
    if reason is None:
        assert fatal == []
    else:
        assert any(reason in problem.message for problem in fatal), fatal


@pytest.mark.parametrize("name", _names("REJECTED"))
def test_nbproc_of_old_files_is_told_and_taken(name):
    _, problems = _loaded(name)
    assert [problem.message.partition(":")[0] for problem in problems if "nbproc" in problem.message] == [
        "'nbproc' has no effect"]


def test_at_least_nine_of_ten_tcp_balancers_are_accepted():
    names = [name for name in _names("accepted") if "TLS" not in REFUSED.get(name, "")]
    accepted = [name for name in names if not any(problem.fatal for problem in _loaded(name)[1])]
    assert len(accepted) >= 0.9 * len(names), sorted(set(names) - set(accepted))


def test_every_word_without_effect_is_told_once():
    for name in _names("accepted"):
        _, problems = _loaded(name)
        assert len(problems) == len(set(problems)), name
        assert len(problems) < 25, (name, len(problems))


def test_kubeadms_own_example_works_unmodified():
    config, problems = _loaded("kubeadm-ha-considerations")
    assert not any(problem.fatal for problem in problems)
    assert all(problem.ignored for problem in problems)
    frontend, backend = config.frontends[0], config.backends[0]
    assert (frontend.name, frontend.binds[0].host, frontend.binds[0].port) == ("apiserver", "0.0.0.0", 8443)
    assert (frontend.default_backend, frontend.log.format, frontend.log.dontlognull) == (backend.name, "tcplog", True)
    assert [target.kind for target in frontend.log.targets] == ["stdout"]
    assert (backend.retries, backend.redispatch, backend.timeout_check) == (1, True, 10_000)
    assert [step.action for step in backend.health.steps] == ["connect", "send", "expect"]
    assert backend.health.steps[0].tls
    assert [(server.name, str(server.host), server.port, server.check.tls_options.verify)
            for server in backend.servers] == [(f"master{n}", f"192.168.56.1{n}", 6443, "none") for n in (1, 2, 3)]
    assert Origin("kubeadm-ha-considerations.cfg", 19) in {problem.origin for problem in problems}
