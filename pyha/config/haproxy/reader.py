"""Lines to sections: which section a line belongs to, which keyword it is, and whether it may stand there.

HAProxy's manual, sections 2 (the language) and 4 (the four proxy sections and how `defaults` are inherited).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from pyha.config.draft import Draft
from pyha.config.origin import Origin, did_you_mean

from . import alerts, global_words, matrix, proxy_words, rules, stats_page, treatments
from .conditions import Conditions
from .lexer import Line
from .other_sections import OTHER_SECTIONS
from .statement import Prefix, Section, Statement, duration

PROXIES: Final = ("frontend", "listen", "backend")
SECTION_WORDS: Final = ("global", "defaults", *PROXIES, *OTHER_SECTIONS)

HANDLERS: Final = proxy_words.KEYWORDS | rules.HTTP_KEYWORDS | stats_page.REFUSED

_LONGEST_NAME = 200
_WITH_NAME = ("set-var(", "unset-var(")
_MOST_CHOICES = 12  # more are not listed in a message
_NOT_IN_ANONYMOUS_DEFAULTS = frozenset({
    "acl", "http-after-response", "http-request", "http-response", "tcp-request connection", "tcp-request content",
    "tcp-request inspect-delay", "tcp-request session", "tcp-response content", "tcp-response inspect-delay"})
_ONLY_HERE = frozenset({"server", "server-template", "dispatch"})
"""HAProxy refuses these in a section that cannot have servers, and only warns about all others."""


@dataclass
class Reader:
    """Reads the lines of all files in order; afterwards `settings` and `proxies` hold what they say."""

    draft: Draft
    environment: dict[str, str]
    read_file: Callable[[str], str] | None = None  # how ACLs get at files; raises OSError
    settings: Section = field(init=False)
    proxies: list[Section] = field(default_factory=list)

    _current: Section | None = None
    _other: str = ""
    _defaults: Section = field(init=False)
    _named: dict[str, Section] = field(default_factory=dict)
    _users: dict[tuple[str, bool], Origin] = field(default_factory=dict)  # of a named one: (name, by `from`?) -> who
    _conditions: Conditions = field(init=False)

    def __post_init__(self) -> None:
        self.settings = Section("global", "", Origin("configuration"), self.draft)
        self._defaults = self._root(Origin("configuration"))
        self._conditions = Conditions(self.draft, self.environment)

    def _root(self, origin: Origin) -> Section:
        return Section("defaults", "", origin, self.draft, self.settings, self.read_file)

    def read(self, lines: Iterable[Line]) -> None:
        """The lines of one file."""
        for line in lines:
            if line.words[0].startswith("."):
                self._conditions.directive(line)
            elif self._conditions.active:
                self._line(line)

    def finish(self) -> None:
        """The end of the last file."""
        self._leave()
        self.settings.say_ignored()
        self._conditions.finish()

    # -- sections

    def _line(self, line: Line) -> None:
        word = line.words[0]
        if word in SECTION_WORDS and not (self._other and word in OTHER_SECTIONS[self._other].words):
            self._leave()
            self._enter(line)
        elif self._other:
            self._other_line(line)
        elif self._current is None:
            self.draft.error(line.origin, f"unknown keyword '{word}' out of section",
                             did_you_mean(word, SECTION_WORDS) or "a section begins with global, defaults, frontend, "
                             "listen or backend")
        elif self._current is self.settings:
            self._global_line(line)
        else:
            self._proxy_line(self._current, line)

    def _leave(self) -> None:
        if self._current is not None and self._current.kind == "defaults":
            self._current.say_ignored()
        self._current, self._other = None, ""

    def _enter(self, line: Line) -> None:
        kind, args = line.words[0], line.words[1:]
        if kind == "global":
            self._current = self.settings
            if self.settings.origin.line == 0:
                self.settings.origin = line.origin
            self._no_arguments(line, args)
        elif kind == "defaults":
            self._enter_defaults(line, list(args))
        elif kind in PROXIES:
            self._enter_proxy(line, kind, list(args))
        else:
            self._enter_other(line, kind)

    def _no_arguments(self, line: Line, args: Sequence[str]) -> None:
        if args:
            self.draft.error(line.origin, f"'{line.words[0]}' cannot handle unexpected argument '{args[0]}'")

    def _enter_other(self, line: Line, kind: str) -> None:
        self._other = kind
        other = OTHER_SECTIONS[kind]
        if kind == "mailers":
            alerts.enter(self.settings, line)
        elif other.advice:
            self.draft.error(line.origin, f"section '{kind}' is not supported: {other.reason}", other.advice)
        else:
            self.draft.warn(line.origin, f"section '{kind}' has no effect: {other.reason}", ignored=True)

    def _enter_defaults(self, line: Line, args: list[str]) -> None:
        parent = self._parent(line, args, self._root(line.origin))
        name = args.pop(0) if args else ""
        self._no_arguments(line, args)
        section = parent.child("defaults", name, line.origin)
        self._good_name(line, name)
        self._current = self._defaults = section
        if name:
            self._named[name] = section

    def _enter_proxy(self, line: Line, kind: str, args: list[str]) -> None:
        by_name = "from" in args[:2]
        parent = self._parent(line, args, self._defaults)
        if parent.name:
            self._used(line, parent, by_name=by_name)
        name = args.pop(0) if args else ""
        section = self._current = parent.child(kind, name, line.origin)
        if not name:
            self.draft.error(line.origin, f"'{kind}' expects a name as argument", f"for example: {kind} kube-apiserver")
            return
        if args:
            hint = "write the address as 'bind ADDRESS:PORT' on a line below" if ":" in args[0] else ""
            self.draft.error(line.origin, f"'{kind} {name}' cannot handle unexpected argument '{args[0]}'", hint)
        self._good_name(line, name)
        self._unique(line, kind, name)
        self.proxies.append(section)

    def _parent(self, line: Line, args: list[str], otherwise: Section) -> Section:
        """`... from NAME` at the end of the line of a section."""
        at = args.index("from") if "from" in args[:2] else None
        if at is None:
            return otherwise
        names = args[at + 1:]
        del args[at:]
        if len(names) != 1:
            self.draft.error(line.origin, "'from' expects the name of a defaults section as its only argument")
            return otherwise
        if names[0] not in self._named:
            self.draft.error(line.origin, f"there is no defaults section '{names[0]}' above",
                             did_you_mean(names[0], self._named))
        return self._named.get(names[0], otherwise)

    def _used(self, line: Line, defaults: Section, *, by_name: bool) -> None:
        """A named defaults section should be used by `from` alone: the last one applies to all who say nothing, too."""
        other = self._users.get((defaults.name, not by_name))
        if other is not None and (defaults.name, by_name) not in self._users:
            self.draft.warn(line.origin, f"defaults section '{defaults.name}' is used with 'from' by one proxy, and by "
                            f"another only because it is the last one ({other})",
                            "use 'from' everywhere, or add a defaults section without a name for the others")
        self._users.setdefault((defaults.name, by_name), line.origin)

    def _good_name(self, line: Line, name: str) -> None:
        bad = next((char for char in name if not (char.isascii() and char.isalnum()) and char not in "-_.:"), "")
        if bad:
            self.draft.error(line.origin, f"character '{bad}' is not permitted in the name '{name}' of a section",
                             "letters, digits and - _ . : are")
        elif len(name) > _LONGEST_NAME:
            self.draft.error(line.origin, f"the name of a section has at most {_LONGEST_NAME} characters")

    def _unique(self, line: Line, kind: str, name: str) -> None:
        """A frontend and a backend may share a name, nothing else may."""
        for other in self.proxies:
            if other.name == name and {kind, other.kind} != {"frontend", "backend"}:
                self.draft.error(line.origin, f"{kind} '{name}' has the same name as the {other.kind} declared at "
                                 f"{other.origin}", "give one of them another name")
                return

    # -- lines

    def _other_line(self, line: Line) -> None:
        known = OTHER_SECTIONS[self._other].words
        if self._other == "mailers" and line.words[0] in ("mailer", "timeout"):
            alerts.line(self.settings, keyword(line, ("timeout",)))
        elif line.words[0] not in known and " ".join(line.words[:2]) not in known:
            self.draft.error(line.origin, f"unknown keyword '{line.words[0]}' in section '{self._other}'",
                             did_you_mean(line.words[0], (*known, *SECTION_WORDS)))

    def _global_line(self, line: Line) -> None:
        statement = keyword(line, global_words.PREFIXES)
        if not self._prefix(statement, line, global_words.NEGATABLE):
            return
        word = statement.keyword
        if word in global_words.KEYWORDS:
            global_words.KEYWORDS[word](self.settings, statement)
        elif word in global_words.ENVIRONMENT:
            self._set_environment(statement)
        elif word in global_words.IGNORED or word in global_words.TUNING:
            if not statement.prefix:
                reason = global_words.IGNORED.get(word, global_words.TUNING_REASON)
                self.settings.ignore(word, line.origin, reason)
        else:
            self._unknown(line, statement, "'global'", global_words.KNOWN)

    def _set_environment(self, statement: Statement) -> None:
        """`setenv NAME VALUE`, `presetenv`, `unsetenv NAME...`, `resetenv [NAME...]`: for the lines that follow."""
        args, environment = statement.args, self.environment
        if statement.keyword in ("setenv", "presetenv"):
            if len(args) != 2:
                self.settings.error(statement, f"'{statement.keyword}' expects a name and a value as arguments")
            elif statement.keyword == "setenv" or args[0] not in environment:
                environment[args[0]] = args[1]
        elif statement.keyword == "unsetenv":
            for name in args:
                environment.pop(name, None)
        else:
            for name in set(environment) - set(args):
                del environment[name]

    def _proxy_line(self, section: Section, line: Line) -> None:
        statement = keyword(line, matrix.PREFIXES)
        word = statement.keyword
        if word not in matrix.PLACES:
            self._unknown_in_proxy(section, line, statement)
            return
        if self._prefix(statement, line, matrix.NEGATABLE) and self._may_stand(section, statement):
            if word in ("bind", "server"):
                section.put(f"{word} seen", True, line.origin)  # even if the line turns out to be wrong
            dispatch(section, statement)

    def _prefix(self, statement: Statement, line: Line, negatable: Iterable[str]) -> bool:
        if not statement.prefix or statement.keyword in negatable:
            return True
        words = sorted(word for word in negatable if " " not in word)
        self.draft.error(line.origin, f"'{statement.prefix}' cannot stand before '{statement.keyword}'",
                         "" if statement.keyword.startswith("option ") else
                         f"only before options and before {', '.join(words)}")
        return False

    def _may_stand(self, section: Section, statement: Statement) -> bool:
        word = statement.keyword
        if section.kind in matrix.PLACES[word]:
            if section.kind == "defaults" and not section.name and word in _NOT_IN_ANONYMOUS_DEFAULTS:
                section.error(statement, f"'{word}' is not allowed in a 'defaults' section without a name",
                              "move it into the proxies, or name the section and use 'from'")
                return False
            return True
        if section.kind == "defaults":
            section.error(statement, f"'{word}' is not allowed in a 'defaults' section", "move it into the proxies")
            return False
        lacks = "frontend" if section.kind == "backend" else "backend"
        if word in _ONLY_HERE:
            section.error(statement, f"'{word}' is not allowed because {section.describe()} has no {lacks} capability",
                          "move it into a 'backend' section, or make this one a 'listen' section")
        else:
            hint = "use 'fullconn'" if word == "maxconn" else ""
            section.draft.warn(statement.origin, f"'{word}' is ignored because {section.describe()} has no {lacks} "
                               "capability", hint, ignored=True)
        return False

    def _unknown_in_proxy(self, section: Section, line: Line, statement: Statement) -> None:
        word = statement.keyword
        gone = next((old for old in (word, line.words[0]) if old in treatments.REMOVED), None)
        if gone is not None:
            self.draft.error(line.origin, f"'{gone}' does not exist any more", treatments.REMOVED[gone])
            return
        places = [known for known, kinds in matrix.PLACES.items() if section.kind in kinds]
        self._unknown(line, statement, f"'{section.kind}'", places)

    def _unknown(self, line: Line, statement: Statement, where: str, known: Iterable[str]) -> None:
        words = list(known)
        first = statement.keyword.split(" ")[0]
        seconds = [word.partition(" ")[2] for word in words if word.startswith(f"{first} ")]
        given = line.words[1:] if line.words[0] in ("no", "default") else line.words
        if not seconds:
            whole = {word.split(" ")[0] for word in words} | set(SECTION_WORDS)
            self.draft.error(line.origin, f"unknown keyword '{given[0] if given else line.words[0]}' in {where} "
                             "section",
                             did_you_mean(first, sorted(whole)))
        elif len(given) < 2:
            choices = sorted(set(seconds))
            shown = ", ".join(choices) if len(choices) <= _MOST_CHOICES else f"{', '.join(choices[:_MOST_CHOICES])} ..."
            self.draft.error(line.origin, f"'{first}' expects one of {shown}")
        else:
            self.draft.error(line.origin, f"unknown keyword '{first} {given[1]}' in {where} section",
                             did_you_mean(given[1], seconds))


def keyword(line: Line, prefixes: Iterable[str]) -> Statement:
    """The keyword as the manual names it, of one word or two, and what stands before and after it."""
    words = list(line.words)
    prefix: Prefix = ""
    if words[0] in ("no", "default") and len(words) > 1:
        prefix = "no" if words.pop(0) == "no" else "default"
    length = 2 if words[0] in prefixes else 1
    if length == 2 and len(words) > 1 and words[1].startswith(_WITH_NAME):
        # `set-var(check.x)`: the word is set-var
        name, _, rest = words[1].partition("(")
        words[1:2] = [name, f"({rest}"]
    return Statement(" ".join(words[:length]), tuple(words[length:]), line.origin, prefix)


def dispatch(section: Section, statement: Statement) -> None:
    """A word that may stand here: translated, without effect, or refused."""
    word = statement.keyword
    if word in HANDLERS:
        HANDLERS[word](section, statement)
    elif word in treatments.REFUSED:
        reason, advice = treatments.REFUSED[word]
        if not statement.prefix:
            section.error(statement, f"'{word}' is not supported: {reason}", advice)
    elif not statement.prefix and (not word.startswith("timeout ") or
                                   duration(section, statement, statement.arg(0)) is not None):
        section.ignore(word, statement.origin, treatments.IGNORED[word])
