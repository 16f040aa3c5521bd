"""Which machines get the kernel path."""


import pytest

from pyha.runtime import kernelgate
from pyha.runtime.kernelgate import open_maps, works

root = pytest.mark.root


def close(made):
    for maps in made:
        maps.close()


def refuse(*_args):
    raise PermissionError(1, "Operation not permitted")


@root
@pytest.mark.root
def test_every_worker_gets_maps_of_its_own_and_they_work():
    made = open_maps("on", 2)
    assert len({fd for maps in made for fd in maps.fds}) == 6
    assert all(works(maps) for maps in made)
    close(made)


def test_off_makes_none():
    assert open_maps("off", 2) == ()


@pytest.mark.parametrize("release", ["5.15.0-91-generic", "6.17.12", "4.19", "strange"])
def test_auto_leaves_older_kernels_alone_and_says_so(release, caplog):
    with caplog.at_level("DEBUG", "pyha"):
        assert open_maps("auto", 1, release) == ()
    assert "older than 6.18" in caplog.text


@root
@pytest.mark.root
def test_on_tries_whatever_the_version():
    made = open_maps("on", 1, "5.15.0")
    assert len(made) == 1
    close(made)


@pytest.mark.parametrize(("mode", "level"), [("auto", "INFO"), ("on", "WARNING")])
def test_without_the_privilege_one_line_says_so_and_the_workers_do_it(monkeypatch, caplog, mode, level):
    monkeypatch.setattr(kernelgate.Maps, "create", refuse)
    with caplog.at_level("DEBUG", "pyha"):
        assert open_maps(mode, 2, "6.18.0") == ()
    (record,) = caplog.records
    assert (record.levelname, "Operation not permitted" in record.getMessage()) == (level, True)


@root
@pytest.mark.root
def test_a_kernel_that_fails_the_self_test_is_not_used(monkeypatch, caplog):
    monkeypatch.setattr(kernelgate, "works", lambda maps: False)
    assert open_maps("on", 1) == ()
    assert "self-test failed" in caplog.text
