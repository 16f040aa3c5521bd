"""Where the real daemon complains about a line, so does pyha; and the other way round is a matter of taste."""

import re
import shutil
import subprocess

import pytest

from tests.config.keepalived.reading import CASES, DIRECTORY, case

pytestmark = [pytest.mark.peer, pytest.mark.root,
              pytest.mark.skipif(shutil.which("keepalived") is None, reason="no keepalived here")]

OF_THE_MACHINE = ("doesn't exist", "does not exist", "unknown interface", "script user", "not found/accessible")
OF_ITS_VERSION = ("vrrp script interval", "invalid number '0.5'", "auth_hmac", "v3_checksum_as_v2",
                  "owner_ignore_adverts", "no_virtual_ipaddress", "timer_expired", "is deprecated", "deprecated -",
                  "vrrp_delay_after_boot")
OF_A_WHOLE_BLOCK = ("'empty'", "for vrrp_script empty", "for track_file empty", "track bfd neighbour")
OF_ROUTES = ("cannot track", "cannot be tracked", "no preference specified", "cannot have track_group")
"""What depends on the machine, what newer versions know, what we say where a block begins, and advice about routes
that changes nothing."""


def complaints(name):
    """The lines that the real daemon complains about, with what it says."""
    done = subprocess.run(["keepalived", "-t", "-f", DIRECTORY / f"{name}.conf", "-i", "node1"], capture_output=True,
                          text=True, errors="replace", timeout=60, check=False)
    said = re.findall(r"Line (\d+)\) (.*)", done.stdout + done.stderr)
    left_out = (*OF_THE_MACHINE, *OF_ITS_VERSION, *OF_A_WHOLE_BLOCK, *OF_ROUTES)
    return {int(line): text for line, text in said if not any(words in text for words in left_out)}


@pytest.mark.parametrize("name", ["kubeadm", "language", "static", "strict", "tracking", "groups", "mistakes"])
def test_a_line_that_keepalived_complains_about_is_told(name):
    assert name in CASES
    ours = {problem.origin.line for problem in case(name).problems}
    theirs = complaints(name)
    if name == "mistakes":  # what it says about lines 40 to 48 follows from its idea of the block in line 39
        theirs = {line: text for line, text in theirs.items() if line not in range(40, 49) and line not in (77, 78)}
    assert {line: text for line, text in theirs.items() if line not in ours} == {}
