"""The clock of the virtual routers: it goes on while the machine is suspended, as that of the peers does."""

import time


def now() -> float:
    """Seconds since the machine started, suspension included (CLOCK_BOOTTIME)."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
