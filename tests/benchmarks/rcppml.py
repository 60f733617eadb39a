"""RcppML's factorisation through Rscript, timed inside R: Debian's package r-cran-rcppml.

It takes a seed, not a start. Fits of 10, 20, 40, ... sweeps are made until the loss is reached,
and the last one counts.
"""

import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

import scipy.io

SWEEPS = (10, 40)
SCRIPT = """
suppressMessages({library(Matrix); library(RcppML)})
args <- commandArgs(TRUE)
A <- as(readMM(args[1]), "CsparseMatrix")
RcppML::setRcppMLthreads(as.integer(args[5]))
set.seed(as.integer(args[3]))
invisible(nmf(A, as.integer(args[2]), maxit = 2, tol = 1e-16, verbose = FALSE))
for (sweeps in as.integer(strsplit(args[6], ",")[[1]])) {
  clock <- proc.time()
  m <- nmf(A, as.integer(args[2]), maxit = sweeps, tol = 1e-16, verbose = FALSE,
           seed = as.integer(args[3]))
  passed <- proc.time() - clock
  loss <- RcppML::mse(A, m$w, m$d, m$h) * nrow(A) * ncol(A)
  cat(sweeps, loss, passed[["elapsed"]], passed[["user.self"]] + passed[["sys.self"]], "\\n")
  if (loss <= as.numeric(args[4]) || passed[["elapsed"]] > as.numeric(args[7])) break
}
"""


@functools.cache
def is_there():
    """Tell whether R and its package are installed."""
    if shutil.which("Rscript") is None:
        return False
    command = ["Rscript", "-e", "library(RcppML)"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def trace(Y, rank, seed, to_beat, n_threads, sweeps=SWEEPS, seconds=3600.0):
    """Return rows of sweeps, loss, seconds and processor time, until one is low or took long."""
    with tempfile.TemporaryDirectory() as folder:
        matrix, script = Path(folder) / "Y.mtx", Path(folder) / "race.R"
        scipy.io.mmwrite(matrix, Y.astype(float))
        script.write_text(SCRIPT, "utf-8")
        values = (rank, seed + 1, to_beat, n_threads or 0, ",".join(map(str, sweeps)), seconds)
        command = ["Rscript", str(script), str(matrix), *map(str, values)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = [[float(cell) for cell in line.split()] for line in done.stdout.splitlines() if line]
    return [(int(row[0]), *row[1:]) for row in rows]


def race(Y, rank, seed, to_beat, n_threads):
    """Return sweeps and seconds to the loss; the seconds of all sweeps where it is not reached."""
    sweeps, _, seconds, cpu = trace(Y, rank, seed, to_beat, n_threads)[-1]
    return sweeps, seconds, cpu
