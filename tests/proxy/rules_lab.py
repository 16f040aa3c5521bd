"""A visit, a world and conditions in haproxy's words, for tests of rules."""

from pyha.config.haproxy.translate import translate
from pyha.config.rules_model import Table
from pyha.config.source import Source
from pyha.config.validate import validate
from pyha.proxy.backend import Backend
from pyha.proxy.frontend import FrontendState
from pyha.proxy.rules import Admission, Ruleset
from pyha.proxy.tables import TableState
from pyha.proxy.visit import Visit
from pyha.proxy.world import World

HEAD = "defaults\n timeout client 1s\n timeout connect 1s\n timeout server 1s\n"


def config_of(text):
    draft = translate([Source("h.cfg", HEAD + text, "haproxy")], {})
    assert not [problem for problem in draft.problems if problem.fatal], draft.problems
    config, problems = validate(draft.data, draft.origins)
    assert config is not None, problems
    return config


def world_of(config, *, workers=1, draw=lambda: 0.5):
    """Everything in it, as one of so many workers sees it."""
    frontends, backends = {}, {}
    for wanted in config.frontends:
        frontends[wanted.name] = FrontendState(wanted.name)
        frontends[wanted.name].configure(wanted, 0, workers)
    for wanted in config.backends:
        backends[wanted.name] = Backend(wanted.name)
        backends[wanted.name].configure(wanted, 0, 1, draw)
    return World(frontends, backends, {table.name: TableState(table) for table in config.tables}, workers, draw)


def visit(source="192.0.2.1", port=40000, bound=("198.51.100.1", 6443), now=0.0):
    return Visit((source, port), lambda: bound, now)


class Stage:
    """The frontend `f` of a configuration, and clients that go through its rules."""

    def __init__(self, text, **options):
        self.config = config_of(text)
        self.world = world_of(self.config, **options)
        self.rules = Ruleset.of(self.config.frontends[0], self.config, self.world)

    def admission(self, **options):
        return Admission(self.rules, visit(**options))

    def outcome(self, data=b"", now=0.0, *, final=False, **options):
        """What becomes of a client that says this at once."""
        admission = self.admission(now=now, **options)
        for verdict in (admission.arrive(), admission.begin()):
            if verdict != "accept":
                return verdict
        admission.visit.look(data)
        return admission.proceed(now, final=final)


def holds(condition, *, data=b"", final=False, before="", after="", **options):
    """Whether a condition of haproxy.cfg holds for a client: True, False, or None for not yet."""
    text = (f"frontend f\n bind :1\n{before} tcp-request content reject {condition}\n default_backend b\n"
            f"backend b\n server s 10.0.0.1:1\n{after}")
    stage = Stage(text)
    test, _ = stage.rules.content.steps[0]
    client = visit(**options)
    client.look(data)
    client.final = final
    return test(client)


def table(**options):
    return TableState(Table(name="t", **options))
