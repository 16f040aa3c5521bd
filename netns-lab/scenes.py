"""The scenes, in order: what is done to the cluster, and what clients are promised meanwhile."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from lab import INTERFACE
from stage import ADDRESSES, VIP, Stage

# RFC 3768 section 6.1: the Master_Down_Interval is 3 * Advertisement_Interval + Skew_Time, with priority 101 and one
# second 3.61 s; the rest is for the gratuitous ARP, the handshake and a busy machine.
TAKEOVER = 3.7
HANDOVER = 1.0
"""A planned stop says so with priority 0: Skew_Time (0.6 s) instead of the whole interval."""

_SOON = 12.0  # seconds in which the cluster is expected to be in order again
_WATCHES_BACK = 20.0


@dataclass(frozen=True)
class Script:
    """One scene before it is played."""

    title: str
    play: Callable[[Stage], Awaitable[None]]


async def everything_up(stage: Stage) -> None:
    """One master holds the address, all apiservers answer."""
    await stage.settle()
    if stage.lab:
        await stage.expect("exactly one master holds the address", lambda: len(stage.serving) == 1, 1)
        holder = (stage.serving or ["m1"])[0]
        listing = stage.lab.ip(holder, "address", "list", INTERFACE)
        stage.show(f"{holder}# ip addr list {INTERFACE}\n{listing}")
        shown = any(f"inet {VIP}/24 " in line and f"scope global secondary {INTERFACE}" in line
                    for line in listing.splitlines())
        stage.promise(f"`ip addr list {INTERFACE}` on {holder} shows it as `scope global secondary`", kept=shown)
    answers = stage.timeline.answered_by(stage.scene_start, stage.timeline.requests[-1].ended)
    stage.promise(f"all {len(ADDRESSES)} apiservers answer", kept=set(answers) == set(ADDRESSES))
    stage.promise_no_failure()


async def apiserver_leaves(stage: Stage) -> None:
    """One apiserver stops in order and comes back; nobody notices."""
    before = stage.serving
    await stage.stop_apiserver("m2")
    await stage.settle()
    await stage.start_apiserver("m2")
    back = stage.timeline.requests[-1].ended
    await stage.expect("the apiserver on m2 answers again", lambda: any(
        request.node == "m2" for request in stage.timeline.requests[-20:] if request.started > back), _SOON)
    await _settled(stage)
    stage.promise_no_failure()
    if stage.lab:
        stage.promise("the address did not move", kept=stage.serving == before)


async def holder_is_killed(stage: Stage) -> None:
    """Everything on the holder dies at once, without a word."""
    holder, heir = _holder_and_heir(stage)
    stage.kill_balancer(holder)
    await _taken_over(stage, heir)
    await _settled(stage)
    if holder in stage.addresses:
        stage.note(f"{holder} still has the address on its interface, for nobody is left there to remove it")
        stage.note(f"(that is so with keepalived as well); the gratuitous ARP of {heir} moved the clients")
    stage.promise_gap(TAKEOVER)


async def killed_comes_back(stage: Stage) -> None:
    """The killed one is started again, cleans up and takes over, because it has the highest priority."""
    await _comes_back(stage)
    stage.promise_gap(HANDOVER)


async def cable_is_pulled(stage: Stage) -> None:
    """The holder loses its link, and gets it back."""
    holder, heir = _holder_and_heir(stage)
    await stage.cut(holder, carrier=True)
    await _taken_over(stage, heir)
    await stage.expect(f"{holder} sees that its link is down and gives the address up",
                       lambda: stage.addresses == [heir], _SOON)
    await _settled(stage)
    await stage.mend(holder, carrier=True)
    await _one_holder(stage, holder)
    await _settled(stage)
    stage.promise_gap(TAKEOVER)


async def network_is_split(stage: Stage) -> None:
    """The switch cuts the holder off while all links stay up: one holder on each side, one when it is over."""
    holder, heir = _holder_and_heir(stage)
    await stage.cut(holder, carrier=False)
    await _taken_over(stage, heir)
    await _settled(stage)
    stage.promise("one holder on each side of the cut", kept=stage.addresses == [holder, heir])
    await stage.mend(holder, carrier=False)
    await _one_holder(stage, holder)
    await _settled(stage)
    stage.promise_gap(TAKEOVER)


async def holder_is_stopped(stage: Stage) -> None:
    """The holder is stopped in order, for an upgrade of the machine, say."""
    holder, heir = _holder_and_heir(stage)
    codes = await stage.stop_balancer(holder)
    if stage.options.program == "pyha":
        stage.promise("it ends with exit code 0", kept=set(codes.values()) == {0})
    await _taken_over(stage, heir)
    stage.promise(f"nothing is left on {holder}: {heir} alone has the address", kept=stage.addresses == [heir])
    await stage.settle()
    stage.promise_gap(HANDOVER)


async def stopped_comes_back(stage: Stage) -> None:
    """It is started again."""
    await _comes_back(stage)
    stage.promise_gap(HANDOVER)


def _holder_and_heir(stage: Stage) -> tuple[str, str]:
    """Who holds the address, and who has the next priority."""
    holder = (stage.serving or list(ADDRESSES))[0]
    return holder, next(node for node in ADDRESSES if node != holder)


async def _taken_over(stage: Stage, heir: str) -> None:
    await stage.expect(f"{heir} takes the address over", lambda: stage.serving == [heir], _SOON)


async def _one_holder(stage: Stage, node: str) -> None:
    await stage.expect(f"exactly one master has the address: {node}", lambda: stage.addresses == [node], _SOON)


async def _comes_back(stage: Stage) -> None:
    node = next(iter(ADDRESSES))
    stage.note(f"the balancer on {node} is started")
    await stage.start_balancer(node)
    await stage.settle()  # before that, what a killed one left on its interface may look like a holder
    await _one_holder(stage, node)
    await _settled(stage)


async def _settled(stage: Stage) -> None:
    """Long enough for hanging watches to be noticed; then all of them must be open."""
    await stage.settle()
    await stage.expect("requests are answered", lambda: stage.flowing, _WATCHES_BACK)
    await stage.expect(f"all {stage.options.watches} watches are open",
                       lambda: stage.watches_open == stage.options.watches, _WATCHES_BACK)


SCENES = (
    Script("everything up", everything_up),
    Script("one apiserver stops in order, and returns", apiserver_leaves),
    Script("kill -9 of everything on the holder", holder_is_killed),
    Script("the killed master comes back", killed_comes_back),
    Script("the holder's cable is pulled, and plugged in", cable_is_pulled),
    Script("the switch cuts the holder off, links stay up", network_is_split),
    Script("planned stop of the holder", holder_is_stopped),
    Script("the stopped master comes back", stopped_comes_back),
)

LOOPBACK = SCENES[:2]
"""What can be shown without root: no namespaces, no addresses to move."""
