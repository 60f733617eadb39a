"""Fuzz one target: python tests/fuzz/run.py xmc [--runs N] [--guided N] [--store FILE].

First guided by coverage: inputs that reach new lines of nnae are kept and changed further. That is
slow, so the rest of the runs change what was kept, in the same code as users run. Needs atheris
(pip install atheris). Prints how many inputs were run, and adds that to a table. A finding (a
crash, an exception that is no clear line about the file, more than a gigabyte, ten seconds of
processor) is kept in tests/fuzz/findings/ and ends the run with status 1; it then belongs into
tests/test_hostile_files.py.
"""

import argparse
import contextlib
import mmap
import os
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "benchmarks"))
GIGABYTE = 1 << 30
HANG = 10.0  # seconds of this process's own time, so that a busy machine is no finding
ROOM = 1 << 24
MEMORY = "/dev/shm"
HEAD = struct.Struct("<QQ")  # inputs so far, length of the present one


class Present:
    """The input at hand, in a file that outlives a crash."""

    def __init__(self, path):
        with open(path, "r+b") as file:
            self.room = mmap.mmap(file.fileno(), ROOM)

    def set(self, count, data):
        self.room[: HEAD.size + len(data)] = HEAD.pack(count, len(data)) + data

    def get(self):
        count, length = HEAD.unpack(self.room[: HEAD.size])
        return count, self.room[HEAD.size : HEAD.size + length]


def fuzz(name, part, runs, folder):
    """Run one part in this process, which libFuzzer ends."""
    import atheris
    import sklearn

    # scikit-learn would check the same parameters of the same words' counter for every input
    sklearn.set_config(skip_parameter_validation=True)
    sys.path.insert(0, str(HERE))
    # what is imported in here tells which of its lines an input reached
    watched = atheris.instrument_imports if part == "guided" else contextlib.nullcontext
    with watched(*([["nnae"]] if part == "guided" else [])):
        from targets import ALLOWED, TARGETS

        target, seeds = TARGETS[name]
        with contextlib.suppress(*ALLOWED):
            target(seeds()[0])  # what is imported late counts before the limit is set
    corpus = folder / "corpus"
    if not corpus.exists():
        corpus.mkdir()
        for number, seed in enumerate(seeds()):
            (corpus / str(number)).write_bytes(seed)
    present, count, begin = Present(folder / "present"), 0, time.monotonic()
    with open("/proc/self/statm", encoding="ascii") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    hard = used + GIGABYTE + (1 << 29)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGPROF, signal.SIG_DFL)

    def once(data):
        nonlocal count
        count += 1
        present.set(count, data)
        if count % 100_000 == 0:
            print(f"{name}: {count} inputs, {time.monotonic() - begin:.0f} s", flush=True)
        signal.setitimer(signal.ITIMER_PROF, HANG)
        with contextlib.suppress(*ALLOWED):
            target(data)

    longest = 64 + max(len(seed) for seed in seeds())
    # a stopped or starved process is no hang: SIGPROF counts its own time
    flags = [f"-runs={runs}", f"-max_len={longest}", "-timeout=1000000", "-rss_limit_mb=0"]
    flags += ["-verbosity=0", "-keep_seed=1", f"-artifact_prefix={folder}/", str(corpus)]
    atheris.Setup([sys.argv[0], *flags], once)
    atheris.Fuzz()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("target")
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--guided", type=int, default=30_000, help="of these, guided")
    parser.add_argument("--store", metavar="FILE", help="add how many to a table, see large.py")
    parser.add_argument("--part", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        part, folder = options.part
        fuzz(options.target, part, options.runs, Path(folder))
    # a file is written for every input of some targets: in memory, where that can be had
    folder = Path(tempfile.mkdtemp("", "nnae-fuzz-", MEMORY if os.path.isdir(MEMORY) else None))
    (folder / "present").write_bytes(bytes(ROOM))
    done, begin, kept = 0, time.monotonic(), []
    for part, runs in (("guided", options.guided), ("plain", options.runs - options.guided)):
        command = [sys.executable, __file__, options.target, "--runs", str(runs)]
        command += ["--part", part, str(folder)]
        own = os.environ | {"TMPDIR": str(folder)}
        status = subprocess.run(command, check=False, env=own).returncode
        count, data = Present(folder / "present").get()
        done += count
        if status:
            (HERE / "findings").mkdir(exist_ok=True)
            found = HERE / "findings" / f"{options.target}-{os.getpid()}"
            found.write_bytes(data)
            sys.exit(f"{options.target}: input {done} ended with status {status}: {found}")
        kept.append(len(list((folder / "corpus").iterdir())))
    shutil.rmtree(folder)
    print(
        f"{options.target}: {done} inputs without a finding, {time.monotonic() - begin:.0f} s; "
        f"{kept[0]} kept for the lines they reach"
    )
    if options.store:
        keep(options, done)


def keep(options, done):
    """Add to the table of large.py that no input was a finding."""
    import stored

    command = f"python tests/fuzz/run.py {options.target} --runs {options.runs}"
    row = ("fuzzing", options.target, "inputs", "without a finding", done, "1,000,000")
    with stored.alone_in(Path(options.store).parent):
        stored.add(options.store, f"{command} --guided {options.guided}", stored.LARGE, [row])


if __name__ == "__main__":
    main()
