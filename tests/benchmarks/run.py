"""Benchmarks: ``python tests/benchmarks/run.py factorise`` or ``... demo``.

They print a table and decide nothing: no test depends on a timing.
"""

import argparse

import bench_demo
import bench_factorise


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    factorise = commands.add_parser("factorise", help="a sweep of each loss and solver")
    factorise.add_argument("--rank", type=int, default=50)
    factorise.add_argument("--sweeps", type=int, default=5)
    factorise.add_argument("--threads", type=int, default=None, help="default: all")
    factorise.add_argument("--data", choices=list(bench_factorise.data_sets()), default=None)
    demo = commands.add_parser("demo", help="the demo command, from start to end")
    demo.add_argument("--dataset", default="debian-tags")
    chosen = parser.parse_args()
    if chosen.command == "factorise":
        rows = bench_factorise.run(
            rank=chosen.rank, sweeps=chosen.sweeps, n_threads=chosen.threads, only=chosen.data
        )
    else:
        rows = bench_demo.run(dataset=chosen.dataset)
    for row in rows:
        print("  ".join(shown(cell) for cell in row), flush=True)


def shown(cell):
    if isinstance(cell, float):
        return f"{cell:>16.4g}"
    return f"{cell:>16,}" if isinstance(cell, int) else f"{cell:>16}"


if __name__ == "__main__":
    main()
