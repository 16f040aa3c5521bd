"""What this machine and this user can run; what is left out is counted and said at the end, never silently."""

import os
import resource
from collections import Counter

import pytest

_REASON = "needs root and network namespaces"


def pytest_configure(config):
    """Thousands of sockets meet in some tests; the usual soft limit is for interactive shells."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def pytest_collection_modifyitems(items):
    """Without root, tests that need it are skipped."""
    if os.geteuid() == 0:
        return
    for item in items:
        if item.get_closest_marker("root"):
            item.add_marker(pytest.mark.skip(reason=_REASON))


def pytest_terminal_summary(terminalreporter):
    """How many were skipped, and why, in one place."""
    reasons = Counter(str(report.longrepr[2]).removeprefix("Skipped: ")
                      for report in terminalreporter.stats.get("skipped", ()) if isinstance(report.longrepr, tuple))
    if reasons:
        terminalreporter.section("left out on this machine")
        for reason, count in reasons.most_common():
            terminalreporter.write_line(f"{count:5} {'test' if count == 1 else 'tests'}: {reason}")
