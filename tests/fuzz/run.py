"""Fuzz one target, coverage-guided: python tests/fuzz/run.py xmc [--runs N] [--seconds S].

Needs atheris (pip install atheris). Prints how many inputs were run; a finding is printed, kept in
tests/fuzz/findings/ and ends the run with status 1. It then belongs into
tests/test_hostile_files.py.
"""

import argparse
import contextlib
import os
import resource
import sys
import tempfile
import time
import warnings
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["nnae"]):
    pass

sys.path.insert(0, str(Path(__file__).parent))
from targets import ALLOWED, TARGETS

GIGABYTE = 1 << 30


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=int, default=0)
    options = parser.parse_args()
    target, seeds = TARGETS[options.target]
    corpus = Path(tempfile.mkdtemp(prefix="nnae-corpus-"))
    longest = 0
    for number, seed in enumerate(seeds()):
        (corpus / str(number)).write_bytes(seed)
        longest = max(longest, len(seed))
    with contextlib.suppress(*ALLOWED):
        target(seeds()[0])  # what is imported late counts before the limit is set
    with open("/proc/self/statm", encoding="ascii") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    hard = used + GIGABYTE + (1 << 29)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
    count, begin = [0], time.monotonic()

    def once(data):
        count[0] += 1
        if count[0] % 20000 == 0:
            print(
                f"{options.target}: {count[0]} inputs, {time.monotonic() - begin:.0f} s", flush=True
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                target(data)
            except ALLOWED:
                pass
            except BaseException:
                found = Path(__file__).parent / "findings"
                found.mkdir(exist_ok=True)
                (found / f"{options.target}-{os.getpid()}").write_bytes(data)
                raise

    flags = [sys.argv[0], f"-runs={options.runs}", "-timeout=10", f"-max_len={longest + 64}"]
    flags += ["-rss_limit_mb=4096", "-print_final_stats=1", "-verbosity=0", str(corpus)]
    if options.seconds:
        flags.insert(1, f"-max_total_time={options.seconds}")
    atheris.Setup(flags, once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
