"""Memory of this process: what it holds, and the most it has held."""

import os
import resource
import sys
from pathlib import Path


def peak_megabytes(who=resource.RUSAGE_SELF):
    """Return the most that was resident; Linux hands the parent's on to a child's own figure."""
    status = Path("/proc/self/status")
    if who == resource.RUSAGE_SELF and status.is_file():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        if "VmHWM" in lines:
            return int(lines["VmHWM"].split()[0]) / 1024
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(who).ru_maxrss / unit


def held_megabytes():
    """Return what is resident now; the peak so far where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return peak_megabytes()
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
