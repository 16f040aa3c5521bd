"""The operator's log: one plain line an event on standard error, where systemd or the terminal picks it up."""

import logging
import sys
import time

NOTICE = 25
"""Between info and warning, as in syslog: a normal but significant condition, such as a change of state."""

# sd-daemon(3): a line on a journald pipe may begin with its priority.
_PRIORITIES = {logging.CRITICAL: 2, logging.ERROR: 3, logging.WARNING: 4, NOTICE: 5, logging.INFO: 6, logging.DEBUG: 7}


class _Formatter(logging.Formatter):
    def __init__(self, role: str, *, journal: bool) -> None:
        super().__init__()
        self._role = role
        self._journal = journal

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        if record.exc_info:
            message += "\n" + self.formatException(record.exc_info)
        if self._journal:
            return f"<{_PRIORITIES.get(record.levelno, 6)}>{self._role}: {message}"
        moment = time.strftime("%b %d %H:%M:%S", time.localtime(record.created))
        return f"{moment}.{int(record.msecs):03d} pyha[{record.process}] {self._role}: {message}"


def setup(role: str, *, journal: bool = False, level: int = logging.INFO) -> None:
    """Send everything logged below "pyha" to standard error. `role` says which process speaks."""
    logging.addLevelName(NOTICE, "NOTICE")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter(role, journal=journal))
    logger = logging.getLogger("pyha")
    logger.handlers[:] = [handler]
    logger.setLevel(level)
    logger.propagate = False
    logging.raiseExceptions = False  # a full disk or a closed terminal must not stop a daemon


def notice(logger: logging.Logger, message: str) -> None:
    """Log at syslog's level `notice`."""
    logger.log(NOTICE, message)
