"""Does our own balancer work? What a check script asks with `killall -0 haproxy`, answered from knowledge.

The virtual address should be where clients are served: a node qualifies when its workers accept connections and reach
at least one usable server. Nothing finer: a node must not leave for a reason that its peers share.
"""

from collections.abc import Iterable

from pyha.config.model import Config

from .messages import BalancerHealth, ServerState


def health(config: Config, *, accepting: bool, servers: Iterable[ServerState]) -> BalancerHealth:
    """The verdict. `accepting`: at least one worker runs with this configuration. `servers`: last known states."""
    if not accepting:
        return BalancerHealth(healthy=False, reason="no worker accepts connections")
    known = {(state.backend, state.server): state.status for state in servers}
    wanted = {name for frontend in config.frontends if frontend.http is None for name in frontend.backends()}
    usable = total = 0
    for backend in config.backends:
        if backend.name not in wanted:
            continue
        for server in backend.servers:
            total += 1
            # A server without a verdict yet counts as usable, as it does for the workers.
            usable += known.get((backend.name, server.name), "MAINT" if server.disabled else "UP") == "UP"
    if total and not usable:
        return BalancerHealth(healthy=False, reason=f"none of the {total} servers is usable")
    return BalancerHealth(healthy=True, reason=f"{usable} of {total} servers usable")
