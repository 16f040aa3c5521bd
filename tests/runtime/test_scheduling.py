import os
import subprocess
import sys

import pytest

from pyha.config.vrrp_model import Scheduling

SHOW = """
import os
from pyha.config.vrrp_model import Scheduling
from pyha.runtime.scheduling import apply
apply(Scheduling.model_validate_json({config!r}))
policy = os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK
locked = next(line for line in open("/proc/self/status") if line.startswith("VmLck")).split()[1]
print(policy == os.SCHED_RR, os.sched_getparam(0).sched_priority, os.getpriority(os.PRIO_PROCESS, 0),
      len(os.sched_getaffinity(0)), int(locked) > 0)
"""


def shown(*wrapper: str, **config: object) -> str:
    code = SHOW.format(config=Scheduling.model_validate(config).model_dump_json())
    done = subprocess.run([*wrapper, sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env={**os.environ, "PYTHONPATH": os.getcwd()})
    return done.stdout.strip()


@pytest.mark.root
def test_by_default_it_is_real_time_and_stays_in_memory():
    assert shown() == f"True 1 0 {len(os.sched_getaffinity(0))} True"


@pytest.mark.root
def test_the_operator_s_word_counts():
    assert shown(nice=-5, cpus=[0], locked=False) == "False 0 -5 1 False"
    assert shown(realtime=7).startswith("True 7 ")


@pytest.mark.root
def test_without_the_privilege_it_goes_on_without():
    wrapper = ("setpriv", "--bounding-set", "-sys_nice,-ipc_lock", "--reuid", "65534", "--clear-groups")
    assert shown(*wrapper, realtime=7, nice=-5, locked=True).startswith("False 0 0 ")


ASTRAY = """
import logging, os, time
from pyha.config.vrrp_model import Scheduling
from pyha.runtime import scheduling
scheduling._LONGEST = 200_000
logging.basicConfig()
scheduling.apply(Scheduling())
assert os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK == os.SCHED_RR
end = time.monotonic() + 10
while os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK == os.SCHED_RR and time.monotonic() < end:
    pass
print("normal" if os.sched_getscheduler(0) == os.SCHED_OTHER else "real time")
"""


@pytest.mark.root
def test_a_process_that_went_astray_is_not_real_time_any_more():
    done = subprocess.run([sys.executable, "-c", ASTRAY], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "normal\n"
    assert "not scheduled in real time any more" in done.stderr
