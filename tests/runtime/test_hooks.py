import asyncio
import logging

import pytest

from pyha.config.vrrp_model import Hook, Identity, Vrrp
from pyha.runtime import hooks


def run(hook, caplog, vrrp=None):
    with caplog.at_level(logging.INFO):
        asyncio.run(hooks.perform(hook, vrrp or Vrrp(), "startup_script"))
    return [record.getMessage() for record in caplog.records]


def test_it_has_ended_when_the_next_thing_begins(caplog, tmp_path):
    said = run(Hook(argv=("/bin/sh", "-c", f"sleep 0.2; echo done > {tmp_path}/file")), caplog)
    assert (tmp_path / "file").read_text() == "done\n"
    assert said == ["startup_script exited with status 0"]


def test_without_one_nothing_happens(caplog):
    assert run(None, caplog) == []


@pytest.mark.parametrize(("hook", "said"), [
    (Hook(argv=("/bin/sh", "-c", "exit 3")), "startup_script exited with status 3"),
    (Hook(argv=("/no/such/program",)), "startup_script cannot be run: No such file or directory"),
    (Hook(argv=("/bin/true",), user=Identity(user="nobody-of-that-name")),
     "startup_script is not run: there is no user 'nobody-of-that-name' on this machine"),
])
def test_what_goes_wrong_is_told_and_the_rest_goes_on(caplog, hook, said):
    assert run(hook, caplog) == [said]


def test_one_that_takes_too_long_is_ended(caplog, tmp_path):
    said = run(Hook(argv=("/bin/sh", "-c", f"sleep 60; touch {tmp_path}/file"), timeout=100), caplog)
    assert said == ["startup_script did not end within 0.1 s and is ended"]
    assert not (tmp_path / "file").exists()


@pytest.mark.root
def test_script_security_goes_for_it_too(caplog, tmp_path):
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o777)
    said = run(Hook(argv=(str(script),)), caplog, Vrrp(script_security=True, script_user="root"))
    assert len(said) == 1
    assert "can be written by others than root" in said[0]
