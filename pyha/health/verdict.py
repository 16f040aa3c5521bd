"""What one check found: HAProxy's status words and their meaning (management manual, section 9.1, check_status)."""

from dataclasses import dataclass

DESCRIPTIONS: dict[str, str] = {
    "UNK": "Unknown",
    "INI": "Initializing",
    "HANA": "Health analyze",
    "CHECKED": "No status change",
    "SOCKERR": "Socket error",
    "L4OK": "Layer4 check passed",
    "L4TOUT": "Layer4 timeout",
    "L4CON": "Layer4 connection problem",
    "L6OK": "Layer6 check passed",
    "L6TOUT": "Layer6 timeout",
    "L6RSP": "Layer6 invalid response",
    "L7TOUT": "Layer7 timeout",
    "L7RSP": "Layer7 invalid response",
    "L7OK": "Layer7 check passed",
    "L7OKC": "Layer7 check conditionally passed",
    "L7STS": "Layer7 wrong status",
    "PROCERR": "External check error",
    "PROCTOUT": "External check timeout",
    "PROCOK": "External check passed",
}
"""Each status with the words that logs and the statistics page use for it."""

_PASSED = frozenset({"L4OK", "L6OK", "L7OK", "L7OKC", "PROCOK"})
WITH_CODE = frozenset({"L7OK", "L7OKC", "L7STS", "PROCERR", "PROCTOUT", "PROCOK"})
"""Where HAProxy shows a code, 0 if there was none."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The end of one check. `code` is the HTTP status where there was one; `info` says more to a person.

    `otherwise`: what a conditional pass comes to for a server that is down, which has nothing to finish.
    """

    status: str
    code: int | None = None
    info: str = ""
    otherwise: "Verdict | None" = None

    @property
    def passed(self) -> bool:
        """The server answered as it should; a conditional pass ("finish what you have") counts."""
        return self.status in _PASSED

    @property
    def answered(self) -> bool:
        """The server said something that is complete, so that it may be asked again over the same connection."""
        return self.status in WITH_CODE

    @property
    def conditional(self) -> bool:
        """The server asks for no new connections (`http-check disable-on-404`)."""
        return self.status == "L7OKC"

    @property
    def description(self) -> str:
        """HAProxy's words for the status."""
        return DESCRIPTIONS.get(self.status, self.status)

    def reason(self, duration_ms: int) -> str:
        """The part of a log line that says why, as HAProxy writes it. What traffic told took no time."""
        parts = [f"reason: {self.description}"]
        if self.status in WITH_CODE:
            parts.append(f"code: {self.code or 0}")
        if self.info:
            parts.append(f'info: "{self.info}"')
        if self.status != "HANA":
            parts.append(f"check duration: {duration_ms}ms")
        return ", ".join(parts)
