"""Which configuration files a command reads, and reading them."""

import argparse
import glob
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pyha.config.load import Loaded, load
from pyha.config.origin import Origin, Problem
from pyha.config.source import Language, Source

NATIVE = "/etc/pyha/pyha.yaml"
HAPROXY = "/etc/haproxy/haproxy.cfg"
KEEPALIVED = "/etc/keepalived/keepalived.conf"


class DiskReader:
    """Reads files as the translators ask for them (pyha.config.source.Reader)."""

    def read(self, path: str) -> str:
        """The text of a file; bytes that are not UTF-8 are kept as replacement characters. Raises OSError."""
        return Path(path).read_bytes().decode("utf-8", "replace")

    def glob(self, pattern: str) -> Sequence[str]:
        """The files that match, sorted."""
        return sorted(glob.glob(pattern))  # noqa: PTH207 - Path.glob takes no absolute pattern


@dataclass(frozen=True)
class Files:
    """The files of one configuration, in the order to read them."""

    haproxy: tuple[str, ...] = ()
    keepalived: str | None = None
    native: str | None = None
    config_id: str = field(default_factory=lambda: socket.gethostname().partition(".")[0])

    def named(self) -> list[tuple[str, Language]]:
        """(path, language) of each file."""
        files: list[tuple[str, Language]] = []
        if self.native:
            files.append((self.native, "native"))
        files += [(path, "haproxy") for path in self.haproxy]
        if self.keepalived:
            files.append((self.keepalived, "keepalived"))
        return files

    def __str__(self) -> str:
        return ", ".join(path for path, _ in self.named())

    def load(self) -> Loaded:
        """Read and translate everything; a file that cannot be read is one more problem among the others."""
        reader = DiskReader()
        sources, problems = [], []
        for path, language in self.named():
            for name in _expand(path, language):
                try:
                    sources.append(Source(path=name, text=reader.read(name), language=language))
                except OSError as error:
                    problems.append(Problem(Origin(name), f"cannot be read: {error.strerror or error}"))
        loaded = load(sources, os.environ, reader, self.config_id)
        if problems:
            return Loaded(None, (*problems, *loaded.problems), loaded.origins)
        return loaded


def _expand(path: str, language: Language) -> list[str]:
    """`-f DIRECTORY` means its *.cfg files in lexical order, as for haproxy; everything else is itself."""
    if language == "haproxy" and Path(path).is_dir():
        return sorted(str(file) for file in Path(path).glob("*.cfg") if not file.name.startswith("."))
    return [path]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that name configuration files."""
    group = parser.add_argument_group(
        "configuration",
        f"Without any of these: {NATIVE} if it exists, else {HAPROXY} and {KEEPALIVED} (one of them is enough).",
    )
    group.add_argument("-f", dest="haproxy", metavar="HAPROXY_CFG", action="append", default=[],
                       help="a haproxy.cfg, or a directory of *.cfg; may be repeated")
    group.add_argument("-k", dest="keepalived", metavar="KEEPALIVED_CONF", help="a keepalived.conf")
    group.add_argument("-c", dest="native", metavar="PYHA_YAML", help="a pyha.yaml, pyha's own language")


def chosen(options: argparse.Namespace) -> Files:
    """The files that the command line names, or the default ones."""
    if options.haproxy or options.keepalived or options.native:
        return Files(tuple(options.haproxy), options.keepalived, options.native)
    if Path(NATIVE).exists():
        return Files(native=NATIVE)
    haproxy, keepalived = Path(HAPROXY).exists(), Path(KEEPALIVED).exists()
    if not haproxy and not keepalived:
        return Files((HAPROXY,), KEEPALIVED)  # reading them says that they are missing
    return Files((HAPROXY,) if haproxy else (), KEEPALIVED if keepalived else None)
