"""Benchmarks: ``python tests/benchmarks/run.py NAME``, `--help` lists the names.

They print a table and decide nothing: no test depends on a timing. ``--json FILE`` stores the table
with the day and the machine, see stored.py.
"""

import argparse
import shlex
import sys

import bench_demo
import bench_factorise
import bench_kernels
import bench_linear
import bench_predict
import bench_r
import bench_race
import bench_reader
import bench_regions
import bench_report
import bench_study
import bench_trees
import bench_trust
import label_data
import stored

#: Columns beyond which a table does not fit a terminal.
WIDE = 20


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    add_factorise(commands)
    add_race(commands)
    add_linear(commands)
    add_kernels(commands)
    add_demo(commands)
    add_reader(commands)
    add_trust(commands)
    add_stability(commands)
    add_trees(commands)
    add_classify(commands)
    add_predict(commands)
    add_study(commands)
    add_report(commands)
    add_regions(commands)
    add_r(commands)
    for command in commands.choices.values():
        command.add_argument("--json", metavar="FILE", help="store the numbers")
    parser.set_defaults(keep=stored.store)
    chosen = parser.parse_args()
    rows = chosen.run(chosen)
    if rows is not None:
        table = show(rows)
        if chosen.json is not None:
            chosen.keep(chosen.json, this_command(), table[0], table[1:])


def add_factorise(commands):
    command = commands.add_parser("factorise", help="nnae beside its peers, and what sweeps cost")
    parts = bench_factorise.PARTS
    command.add_argument("--parts", nargs="+", choices=parts, default=parts)
    command.add_argument("--rank", type=int, default=64)
    command.add_argument("--threads", type=int, default=2)
    command.add_argument("--data", choices=list(label_data.data_sets()), default=None)
    command.add_argument("--loss", choices=("frobenius", "kullback-leibler"), default=None)
    command.add_argument("--seeds", type=int, default=3, help="starts of the methods")
    command.add_argument("--seconds", type=float, default=8.0, help="budget of a method and start")
    command.set_defaults(
        keep=stored.add,
        run=lambda chosen: bench_factorise.run(
            parts=chosen.parts,
            rank=chosen.rank,
            n_threads=chosen.threads,
            only=chosen.data,
            seeds=chosen.seeds,
            seconds=chosen.seconds,
            loss=chosen.loss,
        ),
    )


def add_race(commands):
    command = commands.add_parser("race", help="time to the loss that scikit-learn reaches")
    command.add_argument("--rank", type=int, default=64)
    command.add_argument("--seeds", type=int, default=5)
    command.add_argument("--r-seeds", type=int, default=1, help="seeds that RcppML takes part in")
    command.add_argument("--threads", type=int, default=2)
    command.add_argument("--data", choices=list(label_data.data_sets()), default=None)
    command.set_defaults(
        run=lambda chosen: bench_race.run(
            rank=chosen.rank,
            seeds=chosen.seeds,
            n_threads=chosen.threads,
            only=chosen.data,
            r_seeds=chosen.r_seeds,
        )
    )


def add_linear(commands):
    command = commands.add_parser("linear", help="the linear encoder on a million rows")
    command.add_argument("--rows", type=int, default=1_186_239)
    command.add_argument("--labels", type=int, default=13_330)
    command.add_argument("--seeds", type=int, default=1)
    command.add_argument("--threads", type=int, default=2)
    command.set_defaults(
        run=lambda chosen: bench_linear.run(
            n_samples=chosen.rows,
            n_labels=chosen.labels,
            seeds=chosen.seeds,
            n_threads=chosen.threads,
        )
    )


def add_kernels(commands):
    command = commands.add_parser("kernels", help="shares of the machine's own speed")
    command.set_defaults(run=lambda chosen: bench_kernels.run())


def add_demo(commands):
    command = commands.add_parser("demo", help="the demo command, from start to end")
    command.add_argument("--dataset", default="debian-tags")
    command.set_defaults(run=lambda chosen: bench_demo.run(dataset=chosen.dataset))


def add_reader(commands):
    command = commands.add_parser("reader", help="what simulated readers gain from the tree")
    command.add_argument("--threads", type=int, default=1)
    command.add_argument("--data", choices=list(bench_reader.GROUPS), default=None)
    command.add_argument("--tree", choices=bench_reader.TREES, default="codes")
    command.add_argument("--profile", choices=("fast", "best"), default="best")
    command.set_defaults(
        run=lambda chosen: bench_reader.run(
            n_threads=chosen.threads,
            only=chosen.data,
            tree=chosen.tree,
            profile=chosen.profile,
        )
    )


def add_trust(commands):
    command = commands.add_parser("trust", help="what audits say of default and of damaged trees")
    command.add_argument("--threads", type=int, default=1)
    command.add_argument("--data", choices=bench_trust.names(), default=None)
    command.add_argument("--halves", type=int, default=10, help="of the held-out rows")
    command.add_argument("--damaged", type=int, default=20, help="trees with 30 %% moved")
    command.set_defaults(
        run=lambda chosen: bench_trust.trust(
            n_threads=chosen.threads,
            only=chosen.data,
            n_halves=chosen.halves,
            n_damaged=chosen.damaged,
        )
    )


def add_stability(commands):
    command = commands.add_parser("stability", help="how much of default trees comes back")
    command.add_argument("--threads", type=int, default=1)
    command.add_argument("--data", choices=bench_trust.names(), default="debian_tags")
    command.set_defaults(
        run=lambda chosen: bench_trust.stable(n_threads=chosen.threads, only=chosen.data)
    )


def add_trees(commands):
    command = commands.add_parser("trees", help="trees beside gold groups and planted ones")
    command.add_argument("--seeds", type=int, default=5)
    command.add_argument("--threads", type=int, default=1)
    command.add_argument("--data", choices=bench_trees.names(), default=None)
    command.add_argument("--trees", nargs="+", choices=bench_trees.TREES, default=None)
    command.set_defaults(
        run=lambda chosen: bench_trees.run(
            seeds=chosen.seeds,
            n_threads=chosen.threads,
            only=chosen.data,
            which=chosen.trees or list(bench_trees.TREES),
        )
    )


def add_classify(commands):
    import classify_data
    import classify_methods

    command = commands.add_parser("classify", help="our classifiers beside their peers")
    command.add_argument("--data", nargs="+", choices=classify_data.names())
    methods = classify_methods.available()
    command.add_argument("--methods", nargs="+", choices=methods, metavar="METHOD",
                         help=f"of {', '.join(methods)}")  # fmt: skip
    command.add_argument("--seeds", type=int, default=5)
    command.add_argument("--threads", type=int, default=2)
    command.set_defaults(run=classify)


def classify(chosen):
    """Print tables of its own kind and store them; returns none for `show`."""
    import bench_classify

    bench_classify.run(
        data=chosen.data,
        methods=chosen.methods,
        seeds=chosen.seeds,
        n_threads=chosen.threads,
        path=chosen.json,
        command=this_command(),
    )


def add_predict(commands):
    command = commands.add_parser("predict", help="speed of predicting and size of the tags models")
    command.add_argument("--threads", type=int, default=1)
    command.add_argument(
        "--profiles", nargs="+", choices=bench_predict.PROFILES, default=bench_predict.PROFILES
    )
    command.set_defaults(
        run=lambda chosen: bench_predict.run(profiles=chosen.profiles, n_threads=chosen.threads)
    )


def add_study(commands):
    command = commands.add_parser("study", help="coverage of a study's intervals, and its power")
    command.add_argument("--studies", type=int, default=200)
    command.set_defaults(run=lambda chosen: bench_study.run(n_studies=chosen.studies))


def add_report(commands):
    command = commands.add_parser("report", help="a report of the tags model, written and opened")
    command.add_argument("--threads", type=int, default=1)
    command.set_defaults(run=lambda chosen: bench_report.run(n_threads=chosen.threads))


def add_regions(commands):
    command = commands.add_parser("regions", help="deletion of the region that explains a picture")
    command.add_argument("--threads", type=int, default=1)
    command.add_argument("--data", choices=bench_regions.names(), default=None)
    command.add_argument("--cases", type=int, default=100, help="pictures at most")
    command.add_argument("--profile", choices=("fast", "best"), default="best")
    command.set_defaults(
        run=lambda chosen: bench_regions.run(
            only=chosen.data,
            n_cases=chosen.cases,
            profile=chosen.profile,
            n_threads=chosen.threads,
        )
    )


def add_r(commands):
    command = commands.add_parser("r", help="what R costs beside Python")
    command.add_argument("--repetitions", type=int, default=5)
    command.add_argument("--threads", type=int, default=1)
    command.add_argument(
        "--profiles", nargs="+", choices=bench_r.PROFILES, default=bench_r.PROFILES
    )
    command.set_defaults(
        run=lambda chosen: bench_r.run(
            repetitions=chosen.repetitions, n_threads=chosen.threads, profiles=chosen.profiles
        )
    )


def this_command():
    """Return the command line as a reader may type it, without the option that stores."""
    words = sys.argv[1:]
    for at, word in enumerate(words):
        if word == "--json":
            del words[at : at + 2]
            break
        if word.startswith("--json="):
            del words[at]
            break
    return shlex.join(["python", "tests/benchmarks/run.py", *words])


def show(rows):
    """Print rows as they come and return them; where the table is wide, each with its names."""
    kept = []
    for row in rows:
        if len(row) <= WIDE:
            print("  ".join(shown(cell) for cell in row), flush=True)
        elif kept:
            pairs = zip(kept[0], row, strict=True)
            named = (f"{name}: {shown(cell).strip()}" for name, cell in pairs if cell is not None)
            print("  ".join(named), flush=True)
        kept.append(row)
    return kept


def shown(cell):
    if isinstance(cell, float):
        return f"{cell:>16.4g}"
    if cell is None:
        return " " * 16
    return f"{cell:>16,}" if isinstance(cell, int) else f"{cell!s:>16}"


if __name__ == "__main__":
    main()
