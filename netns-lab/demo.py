"""`make demo`: three masters, a client and a switch on one machine; the holder of the virtual address dies.

Run as root it plays every scene in network namespaces; without root the part that loopback can show. Exit codes: 0
every scene went as promised, 1 not so, or the lab did not come up, 2 wrong command line, 130 Ctrl-C.
"""

import argparse
import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import lab as network
import processes
import table
from lab import Lab
from masters import PROGRAMS
from scenes import LOOPBACK, SCENES, Script
from stage import ADDRESSES, CLIENT, VIP, Options, Stage, StageError
from timeline import Scene, Timeline

_NEEDED = ("ip", "bridge", "openssl", "curl", "setpriv")
_DIRECTORY = Path(__file__).parent.parent


def main(argv: Sequence[str] | None = None) -> int:
    """Play the demo and return its exit code."""
    arguments = _arguments(argv)
    if arguments.clean:
        removed = network.clean()
        print("removed: " + ", ".join(removed) if removed else "nothing to remove")
        return 0
    root = os.geteuid() == 0
    missing = [tool for tool in _needed(arguments.program, root=root) if not shutil.which(tool)]
    if missing:
        print(f"demo: missing on this machine: {', '.join(missing)}", file=sys.stderr)
        return 1
    options = Options(
        program=arguments.program, quick=arguments.quick, slack=arguments.slack, keep=arguments.keep and root,
        watches=arguments.watches, interval=arguments.interval, out=arguments.out,
    )
    try:
        return asyncio.run(_run(options, root=root))
    except StageError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("demo: interrupted; everything it made is gone", file=sys.stderr)
        return 130


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="demo.py", description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--program", choices=PROGRAMS, default="pyha",
                        help="what to show: pyha, or classic = the real haproxy and keepalived, for comparison")
    parser.add_argument("--quick", action="store_true", help="short scenes")
    parser.add_argument("--slack", type=float, default=0.0, metavar="SECONDS",
                        help="add this to what every promise about time allows (for busy machines; default 0)")
    parser.add_argument("--watches", type=int, default=200, help="how many /watch streams to hold (default 200)")
    parser.add_argument("--interval", type=float, default=10.0, metavar="MS",
                        help="milliseconds between two requests of the client (default 10)")
    parser.add_argument("--keep", action="store_true", default=os.environ.get("KEEP") == "1",
                        help="leave the lab running and say how to look around in it (also: KEEP=1)")
    parser.add_argument("--clean", action="store_true", help="remove what earlier runs left behind, and end")
    parser.add_argument("--out", type=Path, default=_DIRECTORY / "build/demo", metavar="DIRECTORY",
                        help="where the picture, the table and the figures go (default build/demo)")
    return parser.parse_args(argv)


def _needed(program: str, *, root: bool) -> list[str]:
    classic = ("haproxy", "keepalived") if program == "classic" else ()
    return [*(_NEEDED if root else ("openssl", "setpriv")), *classic]


async def _run(options: Options, *, root: bool) -> int:
    """Play with an orderly end: the first INT, TERM or HUP cancels, what follows while cleaning up is ignored."""
    loop = asyncio.get_running_loop()
    play = asyncio.create_task(_play_in_lab(options) if root else _play_on_loopback(options))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, play.cancel)
    return await play


async def _play_in_lab(options: Options) -> int:
    lab = Lab()
    kept = False
    try:
        print(f"Setting up: masters {', '.join(ADDRESSES)}, a client and a switch in network namespaces, "
              f"{'pyha' if options.program == 'pyha' else 'haproxy and keepalived'} on each master")
        lab.create({node: f"{address}/24" for node, address in [*ADDRESSES.items(), CLIENT]})
        stage = Stage(options, lab, lab.directory, _say)
        try:
            await stage.set_up()
            await _direct(stage, SCENES)
            code = _report(stage)
            if options.keep:
                kept = True
                print(_look_around(lab))
            elif sys.stdout.isatty():
                await _linger(lab)
        finally:
            stage.close()
    finally:
        if not kept:
            lab.destroy()
    return code


async def _play_on_loopback(options: Options) -> int:
    print("Not root: one balancer in front of three apiservers on loopback. Left out, for it needs network namespaces:")
    print("\n".join(f"  - {script.title}" for script in SCENES[len(LOOPBACK):]))
    directory = Path(tempfile.mkdtemp(prefix=f"{network.PREFIX}{os.getpid()}-"))
    stage = Stage(options, None, directory / "lab", _say)
    try:
        await stage.set_up()
        await _direct(stage, LOOPBACK)
        return _report(stage)
    finally:
        stage.close()
        own = processes.tree(os.getpid())[1:]
        processes.send(own, signal.SIGKILL)
        processes.wait_gone(own, 5)
        shutil.rmtree(directory, ignore_errors=True)


async def _direct(stage: Stage, scripts: Sequence[Script]) -> None:
    """Play one scene after the other; each ends where the next begins."""
    timeline = stage.timeline
    timeline.zero = time.monotonic()
    for number, script in enumerate(scripts, start=1):
        print(f"\nScene {number}: {script.title}")
        stage.scene_start, stage.promises = time.monotonic(), []
        await script.play(stage)
        scene = Scene(number, script.title, stage.scene_start, time.monotonic(), stage.promises)
        timeline.scenes.append(scene)
        for promise in scene.promises:
            print(f"  {'ok' if promise.kept else 'BROKEN'}: {promise.text}")


def _report(stage: Stage) -> int:
    """Print the tables, write the picture; returns the exit code."""
    timeline, options = stage.timeline, stage.options
    name = "pyha" if options.program == "pyha" else "haproxy + keepalived" if stage.lab else "haproxy"
    where = f"three masters, virtual address {VIP}" if stage.lab else "one balancer on loopback, three apiservers"
    text = table.report(timeline, f"{name}: {where}")
    print(f"\n{text}\n")
    options.out.mkdir(parents=True, exist_ok=True)
    stem = options.out / ("demo" if options.program == "pyha" else f"demo-{options.program}")
    stem.with_suffix(".txt").write_text(f"{text}\n\nWhat was promised\n{table.promises(timeline.scenes)}\n")
    stem.with_suffix(".json").write_text(json.dumps(_figures(timeline, options), indent=1) + "\n")
    _draw(timeline, f"{name}: {where}", [stem.with_suffix(".svg"), stem.with_suffix(".png")], options.watches)
    broken = [str(scene.number) for scene in timeline.scenes if not scene.kept]
    print(f"Not as promised: scene {', '.join(broken)}." if broken else "Every scene went as promised.")
    return 1 if broken else 0


def _draw(timeline: Timeline, title: str, files: list[Path], watches: int) -> None:
    try:
        import picture
    except ImportError as error:
        print(f"No picture, because {error.name} is not installed (`make setup` does that)")
        return
    picture.draw(timeline, title, files, watches)
    print("Picture: " + " and ".join(str(file) for file in files))


def _figures(timeline: Timeline, options: Options) -> dict[str, object]:
    """The figures for programs, to compare runs with each other."""
    scenes = []
    for scene in timeline.scenes:
        figures = timeline.figures(scene.start, scene.end)
        scenes.append({
            "number": scene.number, "title": scene.title, "start_s": round(scene.start - timeline.zero, 3),
            "end_s": round(scene.end - timeline.zero, 3), "answered": figures.answered, "failed": figures.failed,
            "errors": figures.errors, "longest_gap_s": round(figures.longest_gap, 3),
            "watches_lost": figures.watches_lost, "kept": scene.kept,
            "promises": [{"text": promise.text, "kept": promise.kept} for promise in scene.promises],
        })
    return {
        "schema": "pyha/demo/v1", "program": options.program, "quick": options.quick, "slack_s": options.slack,
        "watches": options.watches, "requests_per_second": round(timeline.pace(timeline.zero, timeline.end), 2),
        "requests_left_out": timeline.skipped, "scenes": scenes,
    }


async def _linger(lab: Lab) -> None:
    print(_look_around(lab))
    print("The client, its watches and the record go on; Ctrl-C ends and removes everything.")
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        print("\nRemoving everything")


def _look_around(lab: Lab) -> str:
    holder, ca = lab.namespace("m1"), lab.directory / "certificates/ca.crt"
    lines = ["", "The lab is running. Look around in it:",
             *(f"  ip netns exec {lab.namespace(node)} ip addr list {network.INTERFACE}" for node in ADDRESSES),
             f"  ip netns exec {lab.namespace(CLIENT[0])} curl --cacert {ca} https://{VIP}:8443/whoami",
             f"  ip netns exec {holder} env PYHA_RUNTIME_DIR={lab.directory}/m1/run {sys.executable} -m pyha status",
             f"  ip netns exec {holder} tcpdump -ni {network.INTERFACE} vrrp",
             f"  ip -n {lab.namespace(network.SWITCH)} link set m1 down      pulls m1's cable; `up` plugs it in again",
             f"  ls {lab.directory}/m1 {lab.directory}/logs      the configuration of m1, and what everybody said",
             f"  {sys.executable} {Path(__file__).resolve()} --clean      removes it all"]
    return "\n".join(lines)


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
