import asyncio

import pytest

from pyha.config.vrrp_model import ProcessCheck, Vrrp
from pyha.runtime.watched import Watched, _matches


def vrrp(**more: object) -> Vrrp:
    router = {"name": "VI", "interface": "eth0", "vrid": 1,
              "track_files": [{"name": check["name"]} for check in more.get("file_checks", ())],
              "track_processes": [{"name": check["name"]} for check in more.get("process_checks", ())]}
    return Vrrp.model_validate({"routers": [router], **more})


def processes(proc, *commands: str) -> None:
    for old in proc.iterdir():
        for file in old.iterdir():
            file.unlink()
        old.rmdir()
    for pid, command in enumerate(commands, 1):
        home = proc / str(pid)
        home.mkdir()
        words = command.split()
        (home / "comm").write_text(words[0].rsplit("/", 1)[-1][:15] + "\n")
        (home / "cmdline").write_bytes(b"\0".join(word.encode() for word in words) + b"\0")
    (proc / "self").mkdir()


async def until(condition) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


def test_the_number_in_a_file_is_followed(tmp_path):
    path, told = tmp_path / "number", []

    async def main() -> None:
        watched = Watched(asyncio.get_running_loop(), lambda *what: told.append(what))
        watched.configure(vrrp(file_checks=[{"name": "f", "path": str(path), "initial": 7}]))
        assert watched.values() == [("file", "f", 7)]
        path.write_text("-300\n")
        await until(lambda: ("file", "f", -254) in told)
        path.write_text("rubbish")
        await until(lambda: told[-1] == ("file", "f", 0))
        path.unlink()
        watched.configure(vrrp())
        assert watched.values() == []
        watched.stop()

    asyncio.run(main())


def test_a_file_that_is_there_is_overwritten_only_when_told(tmp_path, caplog):
    path = tmp_path / "number"
    path.write_text("3")

    async def main() -> None:
        watched = Watched(asyncio.get_running_loop(), lambda *_what: None)
        check = {"name": "f", "path": str(path), "initial": 7}
        watched.configure(vrrp(file_checks=[check]))
        assert path.read_text() == "3"
        watched.configure(vrrp(file_checks=[{**check, "overwrite": True}]))
        assert path.read_text() == "7\n"
        watched.configure(vrrp(file_checks=[{**check, "path": "/proc/none/number"}]))
        watched.stop()

    asyncio.run(main())
    assert "tracked file /proc/none/number cannot be written" in caplog.text


def test_processes_are_counted_against_the_quorum(tmp_path):
    told = []
    processes(tmp_path, "/usr/sbin/nginx -g x", "nginx", *["sleep"] * 100)

    async def main() -> None:
        watched = Watched(asyncio.get_running_loop(), lambda *what: told.append(what), proc=str(tmp_path))
        watched.configure(vrrp(process_checks=[
            {"name": "two", "argv": ["nginx"], "quorum": 2}, {"name": "few", "argv": ["sleep"], "quorum_max": 3},
            {"name": "slow", "argv": ["nginx"], "terminate_delay": 86_400_000}]))
        await until(lambda: len(told) == 3)
        assert told == [("process", "two", True), ("process", "few", False), ("process", "slow", True)]
        processes(tmp_path, "sleep")
        await until(lambda: len(told) == 5)
        assert told[3:] == [("process", "two", False), ("process", "few", True)]
        watched.stop()

    asyncio.run(main())


def test_the_balancer_answers_for_haproxy(tmp_path):
    told = []

    async def main() -> None:
        watched = Watched(asyncio.get_running_loop(), lambda *what: told.append(what), proc=str(tmp_path))
        watched.configure(vrrp(process_checks=[{"name": "h", "argv": ["haproxy"], "balancer": True}]),
                          balancer_available=True)
        watched.balancer(healthy=False)
        watched.balancer(healthy=True)
        watched.stop()

    asyncio.run(main())
    assert told == [("process", "h", False), ("process", "h", True)]


@pytest.mark.parametrize(("check", "command", "expected"), [
    ({"argv": ["nginx"]}, "nginx -x", True),
    ({"argv": ["nginx"]}, "nginx2", False),
    ({"argv": ["a-very-long-name-of-a-program"]}, "a-very-long-name-of-a-program", True),
    ({"argv": ["/usr/sbin/nginx"], "full_command": True}, "/usr/sbin/nginx", True),
    ({"argv": ["/usr/sbin/nginx"], "full_command": True}, "/opt/nginx", False),
    ({"argv": ["java", "-jar"], "match": "initial"}, "java -jar x", True),
    ({"argv": ["java", "x"], "match": "initial"}, "java -jar x", False),
    ({"argv": ["java", "x"], "match": "partial"}, "java -jar x", True),
    ({"argv": ["java", "y"], "match": "partial"}, "java -jar x", False),
    ({"argv": ["java", "x"], "match": "exact"}, "java x", True),
    ({"argv": ["java", "x"], "match": "exact"}, "java x y", False),
])
def test_a_process_is_known_by_its_name_and_its_arguments_where_they_matter(check, command, expected):
    words = command.split()
    comm = words[0].rsplit("/", 1)[-1][:15]
    assert _matches(ProcessCheck.model_validate({"name": "p", **check}), comm, words) is expected
