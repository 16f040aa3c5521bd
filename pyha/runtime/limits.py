"""How many files a process may open: two per session, and what `maxconn` promises must be possible."""

import contextlib
import resource

from pyha.config.model import Config

_OURS = 256  # listeners, checks, logs, channels


def files_needed(config: Config) -> int:
    """File descriptors that one process needs for the configured `maxconn`; 0 when nothing was configured."""
    maxconn = config.settings.maxconn
    return 2 * maxconn + _OURS if maxconn else 0


def files_possible() -> int:
    """The hard limit of this process."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def raise_files(config: Config) -> int:
    """Raise the limit as far as needed and permitted; children inherit it. Returns the new limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = files_needed(config)
    if hard != resource.RLIM_INFINITY and wanted > hard:
        with contextlib.suppress(OSError, ValueError):  # needs CAP_SYS_RESOURCE, and fs.nr_open is the end of it
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
