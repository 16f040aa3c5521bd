"""`$NAME=value` and what is done with it (keepalived.conf(5), "Parameter substitution").

`$NAME` before a blank or the end of the line, and `${NAME}` anywhere, are replaced at the time of use, again and again
until nothing is left to replace; a name that is not defined stays as it is. Names with an underscore are built in.
"""

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

_DEFINITION = re.compile(r"\$([A-Za-z_]\w*)=(.*)", re.DOTALL)
_USE = re.compile(r"\$(?:\{([A-Za-z_]\w*)((?:[ \t]+[\w.-]+)*)[ \t]*\}|([A-Za-z_]\w*)(?=\s|$))")
_NUMBER = re.compile(r"[0-9]{1,18}")
_LONGEST = 64 * 1024  # a line that grows past this replaces itself


class ExpansionError(Exception):
    """A replacement that never ends; `str()` says so."""


@dataclass
class Definitions:
    """What is defined at this moment. `directory`: of the file that is being read."""

    config_id: str
    environment: Mapping[str, str]
    directory: str = "."
    values: dict[str, str] = field(default_factory=dict)
    seed: int = 0  # `random_seed`

    def define(self, text: str) -> bool:
        """Take a line that is a definition; whether it was one."""
        match = _DEFINITION.fullmatch(text)
        if match is None:
            return False
        self.values[match.group(1)] = match.group(2).strip()
        return True

    def replace_once(self, text: str, place: str) -> str:
        """The text with everything replaced that can be. `place` (file:line) is what ${_RANDOM} depends on.

        Raises ExpansionError.
        """
        result = _USE.sub(lambda match: self._value(match, place), text)
        if len(result) > _LONGEST:
            raise ExpansionError("this replaces itself and would never end")
        return result

    def _value(self, match: re.Match[str], place: str) -> str:
        name = match.group(1) or match.group(3)
        arguments = (match.group(2) or "").split()
        if name in self.values and not arguments:
            return self.values[name]
        value = self._built_in(name, arguments, place)
        return match.group() if value is None else value

    def _built_in(self, name: str, arguments: list[str], place: str) -> str | None:
        if name == "_ENV":
            return self.environment.get(arguments[0], "") if len(arguments) == 1 else None
        if name == "_RANDOM":
            return self._random(arguments, place)
        simple = {"_PWD": self.directory, "_INSTANCE": self.config_id, "_HASH": "#", "_BANG": "!"}
        return simple.get(name) if not arguments else None

    def _random(self, arguments: list[str], place: str) -> str | None:
        """A number that differs between nodes and places, but not from one reload to the next."""
        if len(arguments) > 2 or not all(_NUMBER.fullmatch(argument) for argument in arguments):
            return None
        low = int(arguments[0]) if arguments else 0
        high = int(arguments[1]) if len(arguments) == 2 else 32767
        if high < low:
            return None
        return str(low + zlib.crc32(f"{self.seed} {self.config_id} {place}".encode()) % (high - low + 1))
