"""The virtual router: every transition of RFC 9568 section 6.4 (version 3) and RFC 3768 section 6.4 (version 2).

    state       event                                      then
    ----------  -----------------------------------------  -------------------------------------------------------------
    INITIALIZE  startup, priority 255 (address owner)      Active
                startup                                    Backup, and wait for active_down_interval
    BACKUP      silence for active_down_interval           Active
                advert, priority 0                         wait for skew_time only
                advert, priority >= ours, or nopreempt     wait for active_down_interval again (version 3: theirs)
                advert, lower priority                     not heard: the silence goes on, and then we take over
                woken far too late                         listen for one interval before believing in the silence
    ACTIVE      every advert_int                           send an advertisement
                advert, priority 0                         send one at once
                advert, higher priority, or the same       Backup
                  from a higher address
                advert, any other                          send one at once, and announce the addresses again
                woken after others gave us up              Backup, but only for the time in which a successor is heard
                advert, after others may have given us up  Backup, and then as that hears it
    any         fault: something it needs is missing       FAULT; a former Active says so with priority 0
    FAULT       recover: nothing is missing any more       as at startup
    any         shutdown                                   INITIALIZE; a former Active says so with priority 0

    active_down_interval = down_timer_adverts (3) * interval + skew_time
    skew_time            = (256 - priority) / 256, in seconds (version 2) or in intervals (version 3)

An advertisement that does not fit our configuration (mismatch.py), or has our own address, is counted and not heard.
RFC 9568 section 7.1 lets the address owner hear nobody. Here it does so if told (`owner_ignores_adverts`): two owners
are a mistake that somebody made, and the higher address then settles it as it does for every other priority.
Members of a sync group do not take over by themselves: they say `wants_active` and are asked (group.py).

Times are seconds of any monotonic clock. After every call, call `expire` at `deadline`; nothing here ever raises.
"""

from pyha.config.base import IPAddress
from pyha.config.vrrp_model import VirtualRouter as Settings
from pyha.units import interval_seconds, seconds

from . import wording
from .advertisement import Advertisement
from .announcing import Announcing
from .complaints import Complaints
from .effects import (
    AddAddresses,
    Effect,
    HeardLower,
    PriorityChanged,
    RemoveAddresses,
    Report,
    SendAdvertisement,
    State,
    StateChanged,
)
from .mismatch import mismatch
from .peer import Peer

OWNER = 255
_LEAVING = 0  # the priority that says goodbye


class VirtualRouter:
    """One virtual router of this node. `source` is the address that our advertisements come from."""

    def __init__(self, config: Settings, *, source: IPAddress | None, effective_priority: int) -> None:
        self.config = config
        self.state = State.INITIALIZE
        self.reason = "not started"
        self.since = 0.0
        self.effective_priority = effective_priority
        self.master: Peer | None = None
        self.counters: dict[str, int] = {}
        self.grouped = False
        self.ahead: tuple[VirtualRouter, ...] = ()  # members of our sync group that decide before us
        self.lesser_heard: float | None = None  # Active, and a lesser router believed to be it, too
        self.wants_active = False
        self._source = source
        self._interval = interval_seconds(config.advert_int)  # of whoever is Active
        self._silence_ends: float | None = None  # active_down_timer
        self._next_advert: float | None = None  # adver_timer
        self._preempt_from: float | None = None
        self._listened = False  # before believing in a silence that we may have slept through
        self._announcing = Announcing(config.garp)
        self.complaints = Complaints()

    @property
    def deadline(self) -> float | None:
        """The one moment at which it wants to be called; None: never."""
        timers = (self._silence_ends, self._next_advert, self._announcing.deadline)
        return min((at for at in timers if at is not None), default=None)

    @property
    def skew_time(self) -> float:
        """Seconds. RFC 9568 section 6.1; version 2 does not scale it with the interval (RFC 3768 section 6.1)."""
        unit = 1.0 if self.config.version == 2 else self._interval
        return (256 - self.effective_priority) / 256 * unit

    @property
    def active_down_interval(self) -> float:
        """Seconds of silence after which a Backup takes over."""
        return self.config.down_timer_adverts * self._interval + self.skew_time

    # -- start, stop, what is missing ----------------------------------------------------------------------------------

    def startup(self, now: float) -> list[Effect]:
        """Begin to take part. RFC 9568 6.4.1: the owner becomes Active, anybody else Backup."""
        if self.state is not State.INITIALIZE:
            return []
        return self._begin("startup", now)

    def shutdown(self, now: float) -> list[Effect]:
        """Take part no more: goodbye, addresses off."""
        if self.state is State.INITIALIZE:
            return []
        return [*self._goodbye(), *self._become(State.INITIALIZE, "shutdown", now)]

    def fault(self, reason: str, now: float) -> list[Effect]:
        """Something that it needs is missing: `reason`."""
        if self.state is State.FAULT:
            self.reason = reason
            return []
        return [*self._goodbye(), *self._become(State.FAULT, reason, now)]

    def recover(self, now: float) -> list[Effect]:
        """Nothing is missing any more."""
        if self.state is not State.FAULT:
            return []
        return self._begin("recovered", now)

    def _begin(self, reason: str, now: float) -> list[Effect]:
        self._interval = interval_seconds(self.config.advert_int)
        if self.effective_priority != OWNER:
            return self._back_up(reason, now)
        if not self.grouped:
            return self._become_active("it owns the addresses (priority 255)", now)
        effects = self._back_up(reason, now)
        self.wants_active = True
        return effects

    # -- advertisements ------------------------------------------------------------------------------------------------

    def receive(self, advert: Advertisement, source: IPAddress, now: float) -> list[Effect]:
        """An advertisement for our VRID came by our interface from `source`."""
        if self.state is State.ACTIVE and self._late(now) > max(self.config.down_timer_adverts - 1, 1) * self._interval:
            # It may come from our successor: that one is not to be answered, but followed.
            return [*self._yield_late(now), *self.receive(advert, source, now)]
        if self.state not in (State.BACKUP, State.ACTIVE):
            return []
        if source == self._source:
            return self.reject("own", "with our own address", source, now)
        known = self.config.skip_check_adv_addr and self.master is not None and source == self.master.address
        if found := mismatch(self.config, advert, check_addresses=not known):
            return self.reject(found.reason, found.sentence, source, now)
        if self.effective_priority == OWNER and self.config.owner_ignores_adverts:
            self._count("owner")
            return []
        self._count("received")
        if advert.priority == _LEAVING:
            self._count("priority_zero_received")
        return self._receive_active(advert, source, now) if self.state is State.ACTIVE else (
            self._receive_backup(advert, source, now))

    def reject(self, reason: str, sentence: str, source: IPAddress, now: float) -> list[Effect]:
        """An advertisement for our VRID that must not be heard: counted, and told with what differs, now and then."""
        self._count(reason)
        return [*self.complaints.rejected(reason, sentence, source, now)]

    def _receive_backup(self, advert: Advertisement, source: IPAddress, now: float) -> list[Effect]:
        # RFC 9568 6.4.2: "If the Priority in the ADVERTISEMENT is 0, then set the Active_Down_Timer to Skew_Time".
        if advert.priority == _LEAVING:
            self._silence_ends = now + self.skew_time
            return [Report("info", f"Backup received priority 0 advertisement from {source}")]
        # "If Preempt_Mode is False, or if the Priority in the ADVERTISEMENT is greater than or equal to the local".
        if self.config.preempt and advert.priority < self.effective_priority and self._may_preempt(now):
            # "Else: Discard the ADVERTISEMENT".
            sentence = wording.lower(advert.priority, self.effective_priority, source)
            return [*self.complaints.about("lower", str(source), sentence, now)]
        if advert.priority >= self.effective_priority:
            self._preempt_from = None
        effects = self._follow(advert, source)
        self._silence_ends = now + self.active_down_interval
        self._listened = self.wants_active = False
        return effects

    def _may_preempt(self, now: float) -> bool:
        """Whether `preempt_delay` is over; it begins when a lesser router is heard."""
        if not self.config.preempt_delay:
            return True
        if self._preempt_from is None:
            self._preempt_from = now + seconds(self.config.preempt_delay)
        return now >= self._preempt_from

    def _receive_active(self, advert: Advertisement, source: IPAddress, now: float) -> list[Effect]:
        # RFC 9568 6.4.3: "If the Priority in the ADVERTISEMENT is 0, then: send an ADVERTISEMENT".
        if advert.priority == _LEAVING:
            return self._advertise(now)
        # "If the Priority in the ADVERTISEMENT is greater than the local Priority, or [...] equal to the local Priority
        # and the primary IPvX Address of the sender is greater than the local primary IPvX Address".
        ours = self.effective_priority
        higher_address = self._source is None or int(source) > int(self._source)
        better = advert.priority > ours or (advert.priority == ours and higher_address)
        if better and any(member.prevails(now) for member in self.ahead):
            return self._stand(advert, source, now)
        if better:
            reason = wording.yielding(advert.priority, ours, source)
            # keepalived.conf(5), higher_prio_send_advert: so that it, too, learns of us.
            parting = self._send(ours) if self.config.higher_prio_advert else []
            effects = self._back_up(reason, now)
            learned = self._follow(advert, source)
            self._silence_ends = now + self.active_down_interval
            return [*parting, *effects, *learned]
        return self._defend(advert, source, now)

    def prevails(self, now: float) -> bool:
        """Active, and just heard by a lesser one, which will yield."""
        return self.state is State.ACTIVE and self.lesser_heard is not None and (
            now <= self.lesser_heard + self.active_down_interval)

    def _stand(self, advert: Advertisement, source: IPAddress, now: float) -> list[Effect]:
        """A better one, but it is about to yield as a whole: another member of its group is lesser (group.py)."""
        # Not answered: the other one would answer that, and so on.
        sentence = wording.ranks(advert.priority, self.effective_priority, source)
        return [*self.complaints.about("ranks", str(source), sentence, now)]

    def _defend(self, advert: Advertisement, source: IPAddress, now: float) -> list[Effect]:
        """RFC 9568 6.4.3: "Discard the ADVERTISEMENT. Send an ADVERTISEMENT immediately to assert Active status".

        And the addresses are announced again, because the other one has announced them, too.
        """
        self.lesser_heard = now
        sentence = wording.conflict(advert.priority, self.effective_priority, source)
        said = self.complaints.about("conflict", str(source), sentence, now)
        sent = self._advertise(now) if self.config.lower_prio_advert else []
        return [*said, *sent, *self._announcing.conflict(now), HeardLower()]

    def _follow(self, advert: Advertisement, source: IPAddress) -> list[Effect]:
        """Take this router for the Active one. RFC 9568 6.4.2: "set the Active_Adver_Interval" to its interval."""
        self.master = Peer(source, advert.priority)
        theirs = interval_seconds(advert.interval)  # type: ignore[arg-type]  # hundredths of a second, by decode
        if self.config.version == 2 or theirs == self._interval:
            return []
        before, self._interval = self._interval, theirs
        return [Report("info", wording.interval(before, theirs, source))]

    # -- time ----------------------------------------------------------------------------------------------------------

    def expire(self, now: float) -> list[Effect]:
        """The deadline is here; harmless when early."""
        if self.state is State.BACKUP:
            return self._expire_backup(now)
        if self.state is State.ACTIVE:
            return self._expire_active(now)
        return []

    def _expire_backup(self, now: float) -> list[Effect]:
        if self._silence_ends is None or now < self._silence_ends:
            return []
        late = now - self._silence_ends
        if late > self._interval and not self._listened:
            # We were away, not they: what they sent meanwhile may be lost. One interval more tells.
            self._listened = True
            self._silence_ends = now + self._interval + self.skew_time
            return [Report("warning", f"woken {late:.3f} s late: listening once more before taking over")]
        if self.grouped:
            self.wants_active = True
            self._silence_ends = now + self.active_down_interval
            return []
        return self._become_active("Receive advertisement timeout", now)

    def _expire_active(self, now: float) -> list[Effect]:
        assert self._next_advert is not None
        if self._late(now) > self.config.down_timer_adverts * self._interval:
            return self._yield_late(now)
        effects: list[Effect] = []
        late = now - self._next_advert
        if now >= self._next_advert:
            effects += self._advertise(now)
            # In step with the interval, however late each call is: a peer counts the time between two of them.
            self._next_advert = max(now, self._next_advert - late) if late < self._interval else self._next_advert
        return [*effects, *self._announcing.due(now)]

    def _late(self, now: float) -> float:
        """Seconds by which the next advertisement is overdue."""
        return 0.0 if self._next_advert is None else now - self._next_advert

    def _yield_late(self, now: float) -> list[Effect]:
        """Somebody else may be Active by now. If so, its next advertisement says it; if not, we come back at once."""
        self._count("stepped_down_late")
        effects = self._back_up(f"woken {self._late(now):.3f} s late, others may have given this router up", now)
        self._silence_ends = now + self._interval + self.skew_time
        self._listened = True
        return effects

    # -- changes on this node ------------------------------------------------------------------------------------------

    def set_source(self, source: IPAddress | None) -> list[Effect]:
        """Our advertisements come from another address now."""
        self._source = source
        if self.state is State.ACTIVE:
            self.master = self._ourselves()
        return []

    def set_priority(self, priority: int, now: float) -> list[Effect]:
        """What we track moved the priority. A running silence is adjusted by the difference in skew time."""
        before = self.effective_priority
        if priority == before:
            return []
        skew = self.skew_time
        self.effective_priority = priority
        if self._silence_ends is not None:
            self._silence_ends = max(now, self._silence_ends + self.skew_time - skew)
        if self.state is State.ACTIVE:
            self.master = self._ourselves()
        return [Report("info", f"Changing effective priority from {before} to {priority}"), PriorityChanged()]

    def lost_address(self, now: float) -> list[Effect]:
        """Somebody took a virtual address off its interface: it comes back, unless we are not to have it."""
        if self.state is not State.ACTIVE:
            return []
        said = self.complaints.about("removed", "", "somebody removed a virtual address: it is put back", now)
        return [*said, AddAddresses(), *self._announcing.begin(now)]

    def reconfigure(self, config: Settings, effective_priority: int, now: float) -> list[Effect]:
        """Other settings for the same virtual router: the state stays, and what is new is announced."""
        before, self.config = self.config, config
        self._announcing.reconfigure(config.garp)
        self.complaints = Complaints()
        effects = self.set_priority(effective_priority, now)
        changed = before.advert_int != config.advert_int or before.down_timer_adverts != config.down_timer_adverts
        if self.state is State.ACTIVE:
            self._interval = interval_seconds(config.advert_int)
            return [*effects, AddAddresses(), *self._advertise(now), *self._announcing.begin(now)]
        if changed and self._silence_ends is not None:
            self._interval = interval_seconds(config.advert_int)
            self._silence_ends = now + self.active_down_interval
        return effects

    # -- for a sync group ----------------------------------------------------------------------------------------------

    def elect(self, reason: str, now: float) -> list[Effect]:
        """All members of the group may be Active: be it."""
        return self._become_active(reason, now) if self.state is State.BACKUP else []

    def step_down(self, reason: str, now: float) -> list[Effect]:
        """Another member of the group cannot be Active: do not be it either, and let the peers know at once."""
        if self.state is not State.ACTIVE:
            return []
        return [*self._goodbye(), *self._back_up(reason, now)]

    # -- transitions ---------------------------------------------------------------------------------------------------

    def _become_active(self, reason: str, now: float) -> list[Effect]:
        self._interval = interval_seconds(self.config.advert_int)
        self._silence_ends = self._preempt_from = None
        self.wants_active = self._listened = False
        self.lesser_heard = None
        self.master = self._ourselves()
        self._count("became_master")
        changed = self._change(State.ACTIVE, reason, now)
        # RFC 9568 6.4.2: send an advertisement, then tell the network about the addresses.
        return [*self._advertise(now), AddAddresses(), *self._announcing.begin(now), changed]

    def _back_up(self, reason: str, now: float) -> list[Effect]:
        effects = self._become(State.BACKUP, reason, now)
        self._silence_ends = now + self.active_down_interval
        return effects

    def _become(self, state: State, reason: str, now: float) -> list[Effect]:
        """Be in a state that holds no address."""
        self._silence_ends = self._next_advert = self._preempt_from = None
        self.wants_active = self._listened = False
        self.master = None
        self._announcing.end()
        released: list[Effect] = []
        if self.state is State.ACTIVE:
            self._count("released_master")
            released = [RemoveAddresses()]
        return [*released, self._change(state, reason, now)]

    def _change(self, state: State, reason: str, now: float) -> StateChanged:
        change = StateChanged(self.state, state, reason)
        self.state, self.reason, self.since = state, reason, now
        return change

    def _goodbye(self) -> list[Effect]:
        return self._send(_LEAVING) if self.state is State.ACTIVE else []

    def _advertise(self, now: float) -> list[Effect]:
        self._next_advert = now + self._interval
        return self._send(self.effective_priority)

    def _send(self, priority: int) -> list[Effect]:
        self._count("sent" if priority else "priority_zero_sent")
        return [SendAdvertisement(priority)]

    def _ourselves(self) -> Peer | None:
        return None if self._source is None else Peer(self._source, self.effective_priority)

    def _count(self, name: str) -> None:
        self.counters[name] = self.counters.get(name, 0) + 1
