"""Benchmarks: ``python tests/benchmarks/run.py NAME``, `--help` lists the names.

They print a table and decide nothing: no test depends on a timing.
"""

import argparse

import bench_demo
import bench_factorise
import bench_race
import bench_reader
import bench_report
import bench_study
import bench_trust


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    factorise = commands.add_parser("factorise", help="a sweep of each loss and solver")
    factorise.add_argument("--rank", type=int, default=50)
    factorise.add_argument("--sweeps", type=int, default=5)
    factorise.add_argument("--threads", type=int, default=None, help="default: all")
    factorise.add_argument("--data", choices=list(bench_factorise.data_sets()), default=None)
    race = commands.add_parser("race", help="time to the loss that scikit-learn reaches")
    race.add_argument("--rank", type=int, default=64)
    race.add_argument("--seeds", type=int, default=5)
    race.add_argument("--threads", type=int, default=2)
    race.add_argument("--data", choices=list(bench_factorise.data_sets()), default=None)
    demo = commands.add_parser("demo", help="the demo command, from start to end")
    demo.add_argument("--dataset", default="debian-tags")
    reader = commands.add_parser("reader", help="what simulated readers gain from the tree")
    reader.add_argument("--threads", type=int, default=1)
    reader.add_argument("--data", choices=list(bench_reader.GROUPS), default=None)
    reader.add_argument("--tree", choices=bench_reader.TREES, default="codes")
    for name, words in (
        ("trust", "what audits say of default trees and of damaged ones"),
        ("stability", "how much of default trees comes back"),
    ):
        command = commands.add_parser(name, help=words)
        command.add_argument("--threads", type=int, default=1)
        command.add_argument("--data", choices=bench_trust.names(), default=None)
    add_classify(commands)
    study = commands.add_parser("study", help="coverage of a study's intervals, and its power")
    study.add_argument("--studies", type=int, default=200)
    report = commands.add_parser("report", help="a report of the tags model, written and opened")
    report.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    if chosen.command == "classify":
        import bench_classify

        bench_classify.run(
            data=chosen.data,
            methods=chosen.methods,
            seeds=chosen.seeds,
            n_threads=chosen.threads,
            path=chosen.json,
        )
        return
    if chosen.command == "factorise":
        rows = bench_factorise.run(
            rank=chosen.rank, sweeps=chosen.sweeps, n_threads=chosen.threads, only=chosen.data
        )
    elif chosen.command == "report":
        rows = bench_report.run(n_threads=chosen.threads)
    elif chosen.command == "race":
        rows = bench_race.run(
            rank=chosen.rank, seeds=chosen.seeds, n_threads=chosen.threads, only=chosen.data
        )
    elif chosen.command == "study":
        rows = bench_study.run(n_studies=chosen.studies)
    elif chosen.command == "reader":
        rows = bench_reader.run(n_threads=chosen.threads, only=chosen.data, tree=chosen.tree)
    elif chosen.command == "trust":
        rows = bench_trust.trust(n_threads=chosen.threads, only=chosen.data)
    elif chosen.command == "stability":
        only = chosen.data or "debian_tags"
        rows = bench_trust.stable(n_threads=chosen.threads, only=only)
    else:
        rows = bench_demo.run(dataset=chosen.dataset)
    for row in rows:
        print("  ".join(shown(cell) for cell in row), flush=True)


def add_classify(commands):
    import classify_data
    import classify_methods

    classify = commands.add_parser("classify", help="our classifiers beside their peers")
    classify.add_argument("--data", nargs="+", choices=classify_data.names())
    methods = classify_methods.available()
    classify.add_argument("--methods", nargs="+", choices=methods, metavar="METHOD",
                          help=f"of {', '.join(methods)}")  # fmt: skip
    classify.add_argument("--seeds", type=int, default=5)
    classify.add_argument("--threads", type=int, default=2)
    classify.add_argument("--json", metavar="PATH", help="store all numbers")


def shown(cell):
    if isinstance(cell, float):
        return f"{cell:>16.4g}"
    return f"{cell:>16,}" if isinstance(cell, int) else f"{cell:>16}"


if __name__ == "__main__":
    main()
