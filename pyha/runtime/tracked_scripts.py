"""The verdicts of all tracked scripts: those that run, and those that our own balancer answers."""

import asyncio
import logging
from collections.abc import Callable

from pyha.config.vrrp_model import Script, Vrrp
from pyha.runtime import scripts
from pyha.runtime.scripts import ScriptRunner
from pyha.vrrp.track import ScriptState

_log = logging.getLogger("pyha.vrrp")


class TrackedScripts:
    """Every `vrrp_script` that some virtual router tracks. `on_change(name, ok)` is called when a verdict changes."""

    def __init__(self, loop: asyncio.AbstractEventLoop, on_change: Callable[[str, bool], None]) -> None:
        self._loop = loop
        self._on_change = on_change
        self._configs: dict[str, tuple[Script, bool]] = {}  # and whether the balancer answers
        self._runners: dict[str, ScriptRunner] = {}
        self._states: dict[str, ScriptState] = {}
        self._verdicts: dict[str, bool] = {}
        self._last: dict[str, str] = {}
        self._balancer: tuple[bool, str] | None = None

    def configure(self, vrrp: Vrrp, *, balancer_available: bool) -> None:
        """Run what is tracked, from now on. A script that did not change goes on and keeps its verdict."""
        tracked = {script.name for router in vrrp.routers for script in router.track_scripts}
        tracked |= {script.name for group in vrrp.groups for script in group.track_scripts}
        wanted = {script.name: (script, script.balancer and balancer_available)
                  for script in vrrp.scripts if script.name in tracked}
        for name in [name for name, config in self._configs.items() if wanted.get(name) != config]:
            self._forget(name)
        for name, (script, balancer) in wanted.items():
            if name not in self._configs:
                self._configs[name] = script, balancer
                self._states[name] = ScriptState(script)
                self._begin(vrrp, script, balancer=balancer)

    def _begin(self, vrrp: Vrrp, script: Script, *, balancer: bool) -> None:
        if script.init_fail:
            self._verdicts[script.name] = False
        if balancer:
            if self._balancer is not None:
                self._result(script.name, *self._balancer)
        elif not scripts.usable(script.argv):
            # As keepalived does it: a script that this node lacks must not cost the cluster its address.
            _log.error("VRRP_Script(%s): there is no program '%s': it is not run and counts as succeeding",
                       script.name, " ".join(script.argv[:1]))
            self._verdicts[script.name] = True
        else:
            who = scripts.identity(vrrp, script.user, script.group)
            if vrrp.script_security and (reason := scripts.insecure(script.argv, who)):
                _log.error("VRRP_Script(%s): disabled, it counts as succeeding: %s", script.name, reason)
                self._verdicts[script.name] = True
                return
            self._runners[script.name] = runner = ScriptRunner(self._loop, script, who, self._result)
            runner.start()

    def balancer(self, *, healthy: bool, reason: str) -> None:
        """Take the balancer's health as the result of the scripts that ask for it."""
        self._balancer = healthy, reason
        for name, (_script, balancer) in self._configs.items():
            if balancer:
                self._result(name, healthy, reason)

    def verdict(self, name: str) -> bool | None:
        """The verdict as it stands; None while there is none."""
        return self._verdicts.get(name)

    def stop(self) -> None:
        """Run nothing any more."""
        for name in list(self._configs):
            self._forget(name)

    def _forget(self, name: str) -> None:
        for known in (self._configs, self._states, self._verdicts, self._last):
            known.pop(name, None)
        if runner := self._runners.pop(name, None):
            runner.stop()

    def _result(self, name: str, ok: bool, why: str) -> None:  # noqa: FBT001 - a result, not an option
        if self._last.get(name) != why:
            self._last[name] = why
            _log.log(logging.INFO if ok else logging.WARNING, "VRRP_Script(%s): %s", name, why)
        self._states[name].result(ok)
        verdict = self._states[name].ok
        if verdict != self._verdicts.get(name):
            self._verdicts[name] = verdict
            _log.log(logging.INFO if verdict else logging.WARNING, "VRRP_Script(%s) %s", name,
                     "succeeded" if verdict else f"failed ({why})")
            self._on_change(name, verdict)
