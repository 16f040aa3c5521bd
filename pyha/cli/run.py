"""`pyha run`: everything, in the foreground, with the log on standard error."""

import argparse
import asyncio
import contextlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from pyha.cli import files, problems
from pyha.config.load import Loaded
from pyha.errors import FitnessError
from pyha.runtime import generation, limits, preflight, systemd
from pyha.runtime import log as logs
from pyha.runtime.control_socket import ControlSocket, runtime_directory
from pyha.runtime.process import set_name
from pyha.runtime.supervisor import Supervisor

log = logging.getLogger("pyha.supervisor")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    files.arguments(parser)
    parser.add_argument(
        "--kernel-path", choices=("auto", "on", "off"), default=os.environ.get("PYHA_KERNEL_PATH") or None,
        help="let the kernel relay: connections that live long (auto), all (on), none (off); also PYHA_KERNEL_PATH",
    )


def run(options: argparse.Namespace) -> int:
    """Return 0 after an orderly stop, 3 when the configuration is invalid. Raises FitnessError, ControlError."""
    chosen = files.chosen(options)

    def load() -> Loaded:
        return _with_options(_checked(chosen.load()), options)

    loaded = load()
    problems.show(loaded.problems)
    if loaded.config is None or any(problem.fatal for problem in loaded.problems):
        return 3
    if not (loaded.config.frontends or loaded.config.vrrp.routers):
        raise FitnessError(f"{chosen}: nothing to do: no frontend and no virtual router")
    if (missing := preflight.missing_privileges(loaded.config)) is not None:
        raise FitnessError(missing)
    logs.setup("supervisor", journal=systemd.on_journal())
    set_name("pyha")
    limits.raise_files(loaded.config)
    control = ControlSocket(runtime_directory())
    try:
        first = generation.first(loaded.config)
        logs.notice(log, f"starting with {chosen}")
        with _pidfile(loaded.config.settings.pidfile):
            asyncio.run(_run(Supervisor(first, load, control)))
    finally:
        control.close()
    return 0


async def _run(supervisor: Supervisor) -> None:
    await supervisor.run()


def _checked(loaded: Loaded) -> Loaded:
    """The same with what the machine itself has to say."""
    if loaded.config is None:
        return loaded
    found = preflight.problems(loaded.config, loaded.origins)
    return Loaded(loaded.config, (*loaded.problems, *found), loaded.origins)


def _with_options(loaded: Loaded, options: argparse.Namespace) -> Loaded:
    """Options of the command line win over the files."""
    if loaded.config is None or options.kernel_path is None:
        return loaded
    settings = loaded.config.settings.model_copy(update={"kernel_path": options.kernel_path})
    return Loaded(loaded.config.model_copy(update={"settings": settings}), loaded.problems, loaded.origins)


@contextlib.contextmanager
def _pidfile(path: str | None) -> Iterator[None]:
    """Write the pid where the configuration says; not being able to is worth a warning and no more."""
    if path is None:
        yield
        return
    file, pid = Path(path), f"{os.getpid()}\n"
    try:
        file.write_text(pid)
    except OSError as error:
        log.warning("cannot write the pid file %s: %s", path, error.strerror)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            if file.read_text() == pid:  # another one may have taken over
                file.unlink()
