"""Memory of what streams: processes of their own that report their peak, of n rows and a tenth."""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from large_rows import blocks_of, compressor

import nnae
from nnae.io import row_blocks, write_blocks

SCRIPT = Path(__file__).with_name("large.py")
LARGEST = 1.5


def fit(blocks, model, threads):
    """Fit a classifier over blocks and leave it in a file."""
    fitted = nnae.TwoStepClassifier(compressor(), random_state=0, n_threads=threads).fit(blocks)
    nnae.save(fitted, model)
    return {"pairs": int(fitted.compressor_.counts_.nnz)}


def rank(blocks, model, threads):
    """Rank the labels of all rows."""
    hits = rows = 0
    pairs = zip(nnae.load(model).predict_topk(blocks, k=1), blocks.labels(), strict=True)
    for (labels, _), block in pairs:
        hits += np.asarray(block.Y[np.arange(len(labels)), labels[:, 0]]).sum()
        rows += len(labels)
    return {"P@1": float(hits / rows)}


def evaluate(blocks, model, threads):
    """Measure rankings."""
    return {"P@1": float(nnae.load(model).evaluate(blocks, at=(1, 5))["value"][0])}


def audit(blocks, model, threads):
    """Test the tree of the model on the labels of all rows."""
    tree = nnae.LabelHierarchy.from_compressor(nnae.load(model).compressor_)
    report = nnae.audit(tree, blocks, n_permutations=20, random_state=0)
    return {"measures": len(report.frame)}


def nnls(blocks, model, threads):
    """Compress by an autoencoder whose codes lie in files."""
    deep = nnae.NNAE(
        (32, 6), random_state=0, pretrain_iter=3, max_iter=3, tol=0, n_threads=threads,
        codes_folder=Path(model).with_name("codes"),
    )  # fmt: skip
    deep.fit(blocks)
    shutil.rmtree(deep.codes_folder)
    return {"loss": deep.loss_}


#: What is measured, in this order: later ones load what the first one fitted.
PARTS = {
    "fit": fit, "rank": rank, "evaluate": evaluate, "audit": audit, "codes in files": nnls,
}  # fmt: skip


def stream(options):
    """Do one part; runs in a process of its own and prints what it took."""
    start = time.perf_counter()
    blocks = row_blocks(options.folder)
    model = str(Path(options.folder).with_name("model.nnae"))
    found = PARTS[options.part](blocks, model, options.threads)
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "rows": blocks.n_rows,
                "peak MB": used.ru_maxrss / 1024,
                "s": time.perf_counter() - start,
                "cpu s": used.ru_utime + used.ru_stime,
                **found,
            }
        )
    )


def memory(options):
    """Return peaks of every part, of all rows and of a tenth, and their ratio."""
    peaks = {}
    for rows in (options.rows // 10, options.rows):
        folder = Path(tempfile.mkdtemp(dir=options.folder)) / "rows"
        try:
            write_blocks(folder, blocks_of(rows))
            size = sum(file.stat().st_size for file in folder.iterdir())
            print(f"{rows:,} rows take {size / 2**20:,.0f} MB on disk", flush=True)
            for part in options.parts:
                command = [sys.executable, str(SCRIPT), "stream", str(folder), part]
                command += ["--threads", str(options.threads)]
                done = subprocess.run(
                    command, check=True, stdout=subprocess.PIPE, env={**os.environ}
                )
                found = json.loads(done.stdout)
                print(f"{part:15}", {name: round(v, 3) for name, v in found.items()}, flush=True)
                peaks.setdefault(part, []).append(found)
        finally:
            shutil.rmtree(folder.parent)
    for part, (few, many) in peaks.items():
        ratio = many["peak MB"] / few["peak MB"]
        print(f"{part}: peak memory of ten times the rows: {ratio:.2f} times")
        yield (
            "memory", part, f"{options.rows:,} rows",
            f"{few['peak MB']:.0f} MB of a tenth, {many['peak MB']:.0f} MB; {many['s']:.0f} s",
            round(ratio, 2), f"at most {LARGEST} times",
        )  # fmt: skip
