"""What R costs beside Python: crossing a sparse matrix, and a fit beside Python's part of it.

Needs R with the package in ``r_bridge/`` and a Python that reticulate can use, see ``.ci/r.sh``.
"""

import json
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_suffix(".R")
PROFILES = ("fast", "best")


def run(*, repetitions=5, n_threads=1, profiles=PROFILES):
    """Yield rows: medians, and medians of ratios of times that were taken together."""
    if shutil.which("Rscript") is None:
        sys.exit("Rscript was not found: install R first")
    yield "what", "repetitions", "R: CPU s", "Python: CPU s", "ratio", "ratio, wall", "peak MB"
    found = measured("matrix", repetitions)
    if not found["identical"][0]:
        sys.exit("a matrix came back changed")
    yield (
        f"there and back, {found['count'][0]:,} non-zeros", repetitions,
        statistics.median(found["cpu"]), None, None, None, found["peak_mb"][0],
    )  # fmt: skip
    for profile in profiles:
        found = measured("two_step", repetitions, profile, n_threads)
        yield (
            f"two-step fit of the tags, {profile}", repetitions,
            statistics.median(found["r_cpu"]), statistics.median(found["python_cpu"]),
            middle_ratio(found["r_cpu"], found["python_cpu"]),
            middle_ratio(found["r_seconds"], found["python_seconds"]), None,
        )  # fmt: skip


def middle_ratio(whole, inside):
    """Return the median of the ratios."""
    return statistics.median(a / b for a, b in zip(whole, inside, strict=True))


def measured(*arguments):
    """Return what the script prints; it says itself what went wrong."""
    command = ["Rscript", SCRIPT, *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"{SCRIPT.name} {' '.join(map(str, arguments))} failed")
    return json.loads(done.stdout.splitlines()[-1])
