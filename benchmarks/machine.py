"""What a benchmark ran on."""

import os
import platform
from datetime import datetime, timezone
from pathlib import Path
from typing import Any


def today() -> str:
    """Return the date, in UTC."""
    return datetime.now(timezone.utc).date().isoformat()


def machine() -> dict[str, Any]:
    """Return the class of this machine: processor, cores, system."""
    return {"cpu": _cpu(), "cores": os.cpu_count(), "system": f"{platform.system()} {platform.machine()}"}


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
