"""Our classifier beside its peers on every data set that is present, in turn in one run."""

import json
import subprocess
import sys
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import classify_data
import classify_methods
import classify_scores
import numpy as np
import scipy.sparse as sp
import stored
from classify_published import NOTE, PUBLISHED
from rich.console import Console
from rich.table import Table

from nnae.metrics import propensities

SHOWN = ("P@1", "P@3", "P@5", "nDCG@3", "nDCG@5", "PSP@1", "PSP@3", "PSP@5", "micro F1", "macro F1",
         "examples F1")  # fmt: skip
COSTS = ("fit_seconds", "predict_seconds", "fit_cpu", "predict_cpu", "peak_mb", "model_mb")
LISTS = ("rows", "differences", "ratios")
COMPARED = ("P@1", "P@3", "P@5", "PSP@1", "PSP@3", "PSP@5")


def run(*, data=None, methods=None, seeds=5, n_threads=2, path=None, command=""):
    """Run the benchmark, print its tables, and store all numbers where a path is given.

    A file that exists keeps its rows of other data sets: long runs may be done one by one, or side
    by side in several processes that are given the same path.
    """
    console = Console(width=200)
    methods = methods or classify_methods.available()
    for name in data or classify_data.names():
        found = on_data(name, methods, range(seeds), n_threads, console)
        show(console, name, found)
        if path is not None:
            part = {**as_part(name, found), "command": command, "threads": n_threads}
            add_part(path, part)


def add_part(path, part):
    """Store the numbers of one data set beside those of others that the file has by now."""
    with stored.alone_in(Path(path).parent):
        parts = {other["data"]: other for other in read_before(path)} | {part["data"]: part}
        stored.write(path, document([parts[name] for name in sorted(parts)]))


def as_part(name, found):
    """Return what is stored of one data set: flat rows, one a method and seed."""
    columns = ("seed", *SHOWN, *COSTS)
    return {
        "data": name,
        "shape": found["shape"],
        "rows": [
            [name, method, *(round(row[key], 5) for key in columns)]
            for method, rows in found["rows"].items()
            for row in rows
        ],
        "differences": [
            [name, *line[:3], *(round(x, 5) for x in line[3:])] for line in found["differences"]
        ],
        "ratios": [[name, *line[:3], *(round(x, 4) for x in line[3:])] for line in found["ratios"]],
    }


def document(parts):
    """Return the whole file: rows of all data sets, differences, ratios, published rows."""
    every = {key: [row for part in parts for row in part[key]] for key in LISTS}
    return {
        **stored.heading("python tests/benchmarks/run.py classify"),
        "commands": {part["data"]: part["command"] for part in parts},
        "peers": versions(),
        "threads": parts[-1]["threads"] if len({part["threads"] for part in parts}) == 1 else None,
        "units": "measures are shares of one, published ones per cent; fit_cpu and predict_cpu are "
        "processor seconds of all threads, the others wall clock",
        "shapes": {part["data"]: part["shape"] for part in parts},
        "differences_header": ["data", "ours", "theirs", "measure", "mean", "low", "high"],
        "differences": every["differences"],
        "ratios_header": ["data", "ours", "theirs", "clock", "median", "low", "high"],
        "ratios": every["ratios"],
        "published_header": ["data", "method", "P@1", "P@3", "P@5", "PSP@1", "PSP@3", "PSP@5"],
        "published": [
            [name, key, *row] for name, rows in PUBLISHED.items() for key, row in rows.items()
        ],
        "header": ["data", "method", "seed", *SHOWN, *COSTS],
        "rows": every["rows"],
    }


def read_before(path):
    """Return the parts of a file that an earlier run wrote; none where there is no such file."""
    if not Path(path).is_file():
        return []
    found = json.loads(Path(path).read_text("utf-8"))
    return [
        {"data": name, "shape": shape, "command": found["commands"][name]}
        | {"threads": found["threads"]}
        | {key: [row for row in found.get(key, []) if row[0] == name] for key in LISTS}
        for name, shape in found["shapes"].items()
    ]


def versions():
    """Return what was compared."""
    found = {}
    for package in ("nnae", "scikit-learn", "omikuji", "napkinxc", "numpy", "scipy"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found


def on_data(name, methods, seeds, n_threads, console):
    """Return the numbers of all methods on one data set: rows, differences, published ones."""
    splits = {seed: classify_data.split(name, seed) for seed in seeds}
    chances = {seed: propensities(split.Y) for seed, split in splits.items()}
    rows, evidence = {}, {}
    for seed in seeds:  # methods in turn within a seed: all meet the same machine
        for method in methods:
            once = method in classify_methods.DETERMINISTIC and not classify_data.is_drawn(name)
            if once and seed != seeds[0]:
                for key in [key for key in evidence if key in (method, f"{method} / p")]:
                    evidence[key].append(evidence[key][0])
                continue
            console.print(f"{time.strftime('%H:%M:%S')} {name} seed {seed}: {method}", style="dim")
            trial = one_trial(name, method, seed, n_threads)
            if trial is None:
                continue
            split, p = splits[seed], chances[seed]
            costs, arrays = trial
            rankings = {method: arrays["narrow"]}
            if method in classify_methods.RESCORED:
                rescored = classify_scores.by_propensity(arrays["wide"], arrays["scores"], p)
                rankings[f"{method} / p"] = rescored
            if method in classify_methods.BOTH_RANKINGS:
                rankings[classify_methods.BOTH_RANKINGS[method]] = arrays["psp"]
            sets = label_sets(split, arrays)
            for key, ranking in rankings.items():
                found = classify_scores.numbers(split, ranking, sets, p)
                rows.setdefault(key, []).append({"seed": seed, **found, **costs})
                evidence.setdefault(key, []).append(classify_scores.per_row(split, ranking, p))
    numbers = [splits[seed].rows for seed in seeds]
    return {
        "shape": [*splits[seeds[0]].X.shape, splits[seeds[0]].Y.shape[1], len(numbers[0])],
        "rows": rows,
        "differences": differences(numbers, evidence),
        "ratios": ratios(rows),
        "published": PUBLISHED.get(name, {}),
    }


def one_trial(name, method, seed, n_threads):
    """Fit and predict in a process of its own; None where it failed, with its last line."""
    worker = Path(__file__).with_name("classify_trial.py")
    root = str(worker.parents[2])
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.npz"
        command = [sys.executable, worker, name, method, str(seed), str(n_threads), out]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env=with_path(root)
        )
        if done.returncode:
            last = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
            print(f"{method} failed on {name}: {last[0]}", file=sys.stderr)
            return None
        with np.load(out) as arrays:
            return json.loads(done.stdout.splitlines()[-1]), dict(arrays)


def with_path(root):
    """Return the environment with this checkout first among Python's folders."""
    import os

    return {**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}


def label_sets(split, arrays):
    """Return predicted label sets: a method's own, or by one rule for all that only rank."""
    if "set_ends" not in arrays:
        return classify_scores.sets_of_equal_size(split, arrays["wide"], arrays["scores"])
    labels, ends = arrays["set_labels"], arrays["set_ends"]
    return sp.csr_matrix((np.ones(len(labels)), labels, ends), split.Y_test.shape)


def differences(rows, evidence):
    """Return ours less theirs with intervals: [ours, theirs, measure, mean, low, high]."""
    known = {*classify_methods.OURS, *classify_methods.BOTH_RANKINGS.values()}
    ours = [key for key in evidence if key in known]
    peers = [key for key in evidence if key not in known]
    found = []
    for mine in ours:
        for other in peers:
            if other.endswith(" / p") and not mine.endswith(" psp"):
                continue  # another ranking rule
            if len(evidence[mine]) != len(rows) or len(evidence[other]) != len(rows):
                continue
            for measure in COMPARED:
                a = [found[measure] for found in evidence[mine]]
                b = [found[measure] for found in evidence[other]]
                numbers = classify_scores.difference(rows, a, b)
                found.append([mine, other, measure, *map(float, numbers)])
    return found


def ratios(rows):
    """Return our seconds over omikuji's, fit and predict: [ours, theirs, clock, median, low, high].

    Seed by seed, as both met the same machine: the median, the least and the largest.
    """
    found = []
    for mine in [key for key in classify_methods.TIMED if key in rows]:
        for other in [key for key in classify_methods.YARDSTICKS if key in rows]:
            theirs = {row["seed"]: row for row in rows[other]}
            for clock in ("cpu", "seconds"):
                both = [
                    total(row, clock) / total(theirs[row["seed"]], clock)
                    for row in rows[mine]
                    if row["seed"] in theirs
                ]
                if both:
                    numbers = np.median(both), min(both), max(both)
                    found.append([mine, other, clock, *map(float, numbers)])
    return found


def total(row, clock):
    """Return fit and predict together, in processor or wall clock seconds."""
    return row[f"fit_{clock}"] + row[f"predict_{clock}"]


def show(console, name, found):
    """Print the tables of one data set."""
    n, d, n_labels, n_test = found["shape"]
    title = f"{name}: {n:,} + {n_test:,} rows, {d:,} features, {n_labels:,} labels"
    table = Table(title=f"{title}; mean and standard deviation over seeds")
    table.add_column("method")
    for column in (*SHOWN, "fit s", "predict s", "fit CPU", "predict CPU", "peak MB", "model MB"):
        table.add_column(column, justify="right")
    for method, rows in found["rows"].items():
        cells = [spread([100 * row[key] for row in rows], 2) for key in SHOWN]
        cells += [spread([row[key] for row in rows], 1) for key in COSTS]
        table.add_row(method, *cells)
    table.add_section()
    for method, (a, b, c, *psp) in found["published"].items():
        numbers = (a, b, c, None, None, *psp)
        table.add_row(method, *(f"{x:.2f}" if x else "" for x in numbers), style="italic")
    console.print(table)
    if found["published"]:
        console.print(NOTE)
    console.print(
        "F1 of methods that only rank: as many labels are predicted as training rows have"
    )
    show_differences(console, name, found["differences"])
    for mine, other, clock, *numbers in found["ratios"]:
        middle, low, high = (f"{x:.2f}" for x in numbers)
        console.print(f"{name}: {clock} of {mine} over {other}: {middle} ({low} to {high})")


def show_differences(console, name, differences):
    """Print ours less theirs, in points, with 95 % intervals."""
    if not differences:
        return
    profiles = {line[0] for line in differences} & set(classify_methods.PROFILES)
    table = Table(title=f"{name}: differences in points, 95 % paired bootstrap over test rows")
    table.add_column("ours - theirs")
    for measure in COMPARED:
        table.add_column(measure, justify="right")
    lines = {}
    for mine, other, measure, *numbers in differences:
        if profiles and mine not in profiles:
            continue  # decoders by themselves: in the JSON alone
        mean, low, high = (100 * x for x in numbers)
        sign = "green" if low > 0 else "red" if high < 0 else "default"
        cell = f"[{sign}]{mean:+.2f} \\[{low:+.2f}, {high:+.2f}][/]"
        lines.setdefault(f"{mine} - {other}", {})[measure] = cell
    for pair, cells in lines.items():
        table.add_row(pair, *(cells[measure] for measure in COMPARED))
    console.print(table)


def spread(values, digits):
    """Return the mean, and the standard deviation where there are several values."""
    mean = f"{np.mean(values):.{digits}f}"
    return mean if len(values) < 2 else f"{mean} ±{np.std(values, ddof=1):.{digits}f}"
