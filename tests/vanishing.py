"""How long processes may outlive the one they work for."""

import subprocess
import time
from collections.abc import Callable, Iterable

#: Seconds after which nothing may be left of an editor that has vanished.
_PATIENCE_S = 2.0
#: So much of a processor is used to see how much of one there is to have.
_SAMPLE_S = 0.2
#: A machine is quiet where a second's work takes no longer than this.
_QUIET_S = 1.2
#: On a busy one the moment that was measured says little of the next.
_RESERVE = 4.0


def patience_s() -> float:
    """Return two seconds on a quiet machine; on a busy one, as many times more as work takes longer there, and reserve.

    What ends needs a moment of a processor, and has to wait for it like everybody.
    """
    used_s, begun_s = time.process_time(), time.monotonic()
    while time.process_time() - used_s < _SAMPLE_S:
        pass
    slowness = (time.monotonic() - begun_s) / _SAMPLE_S
    return _PATIENCE_S if slowness < _QUIET_S else _PATIENCE_S * slowness * _RESERVE


def runs(pid: int) -> bool:
    """Return whether a process runs; a zombie does not."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    return bool(state) and not state.startswith("Z")


def wait_for(is_so: Callable[[], bool], seconds: float) -> float:
    """Return the seconds until something is so, or infinity if that takes longer than some."""
    begun_s = time.monotonic()
    while not is_so():
        if time.monotonic() - begun_s > seconds:
            return float("inf")
        time.sleep(0.02)
    return time.monotonic() - begun_s


def left_after(pids: Iterable[int]) -> str:
    """Return which of some processes are left when nothing may be, and after how long; empty where nothing is."""
    seconds = patience_s()
    left = list(pids)
    if wait_for(lambda: not any(map(runs, left)), seconds) <= seconds:
        return ""
    return f"after {seconds:.1f} s there is still {[pid for pid in left if runs(pid)]}"
