"""Stores what a benchmark printed, with the day and the machine, so that a page can show it.

    {"command": ..., "date": ..., "machine": {...}, "header": [...], "rows": [[...], ...]}

A page is written from such a file and from nothing else: no number is copied by hand. Files that
are kept lie in vignettes/results/. They name the processor and the versions, never a host or path.
"""

import contextlib
import datetime
import json
import math
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

#: Columns of the table that large.py and the fuzzer share.
LARGE = ("part", "what", "of", "seen", "value", "bar")
PACKAGES = ("nnae", "numpy", "scipy", "scikit-learn", "cmfrec", "nimfa")


def store(path, command, header, rows):
    """Write one table; ``command`` is what prints it, without the option that stores it."""
    document = {**heading(command), "header": list(header), "rows": [plain(row) for row in rows]}
    write(path, document)


def add(path, command, header, rows):
    """Store rows beside those that the file has, in place of those with the same first cells.

    A long benchmark is run in parts: the first three cells of a row say which part it is.
    """
    path, rows = Path(path), [plain(row) for row in rows]
    commands, new = [], {tuple(row[:3]) for row in rows}
    if path.is_file():
        old = json.loads(path.read_text("utf-8"))
        if old["header"] != list(header):
            raise SystemExit(f"{path} holds another table: remove it first")
        rows = [row for row in old["rows"] if tuple(row[:3]) not in new] + rows
        commands = [other for other in old["command"].split(" ; ") if other != command]
    store(path, " ; ".join([*commands, command]), header, rows)


def heading(command):
    """Return what every stored result begins with: command, day and machine."""
    return {"command": command, "date": datetime.date.today().isoformat(), "machine": machine()}


def write(path, document):
    """Write a document beside ``path`` and rename it: an interrupted run leaves the old file."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".part")
    beside.write_text(layout(document) + "\n", "utf-8")
    beside.replace(path)


@contextlib.contextmanager
def alone_in(folder):
    """Keep other processes that store there waiting: what one has read is what it writes to."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        import fcntl
    except ImportError:  # not on Windows
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def layout(document):
    """Return JSON with a line for each row, so that a change of one row shows as one line."""
    if "rows" not in document:
        return json.dumps(document, indent=1)
    head = {name: value for name, value in document.items() if name != "rows"}
    lines = ",\n".join("  " + json.dumps(row) for row in document["rows"])
    return f'{json.dumps(head, indent=1)[:-2]},\n "rows": [\n{lines}\n ]\n}}'


def machine():
    """Return processor, cores that this process may use, memory and versions."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "cpu": processor(),
        "cores": cores,
        "memory_gb": memory_gigabytes(),
        "system": platform.system(),
        "python": platform.python_version(),
        "versions": {name: found for name in PACKAGES if (found := version_of(name))},
    }


def processor():
    """Return the processor's model."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()


def memory_gigabytes():
    """Return the machine's memory, or None where the system does not say."""
    try:
        return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1)
    except (AttributeError, OSError, ValueError):
        return None


def version_of(package):
    """Return the version of a package, of a checkout too, or None."""
    try:
        return version(package)
    except PackageNotFoundError:
        if package != "nnae":
            return None
        from nnae import __version__

        return __version__


def plain(cells):
    """Return the cells of a row as Python's own numbers and strings; NaN becomes None."""
    cells = [cell.item() if hasattr(cell, "item") else cell for cell in cells]
    return [None if isinstance(cell, float) and math.isnan(cell) else cell for cell in cells]
