"""What machine this is."""

import platform
import sys
from pathlib import Path


def processor() -> str:
    """Name the processor as the system does."""
    info = Path("/proc/cpuinfo")
    if sys.platform.startswith("linux") and info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
