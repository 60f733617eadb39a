"""Time a report of the Debian tags model: to write it, and to open it in Chromium."""

import os
import shutil
import tempfile
import time
from pathlib import Path

HEADER = ("labels", "held out", "write s", "open s", "kB", "explain ms", "worst sum")
OPTIONS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


def run(*, n_threads=1):
    """Yield HEADER and one row.

    "worst sum" is the largest difference, relative to the score, between a ledger without its line
    for rounding and the score, over 100 rows in double precision.
    """
    import nnae

    yield HEADER
    data = nnae.datasets.load_debian_tags()
    X, X_test = data.X_train.astype(float), data.X_test.astype(float)
    options = {"profile": "fast", "random_state": 0, "n_threads": n_threads}
    model = nnae.TwoStepClassifier(**options)
    model.fit(X, data.Y_train.astype(float), label_names=data.label_names)
    examples = {"X": X_test, "Y": data.Y_test, "names": data.row_names_test}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tags.html"
        begin = time.perf_counter()
        nnae.report(model, path, examples=examples | {"feature_names": data.feature_names})
        written = time.perf_counter() - begin
        size, opened = path.stat().st_size, seconds_to_open(path)
    worst, begin = 0.0, time.perf_counter()
    for row in range(100):
        label = int(model.predict_topk(X_test[row], 1)[0][0, 0])
        found = nnae.explain(model, X_test[row], label)
        worst = max(worst, abs(found.residual / found.score))
    taken = 10 * (time.perf_counter() - begin)
    yield (len(data.label_names), len(data.row_names_test), written, opened, size / 1e3,
           taken, worst)  # fmt: skip


def seconds_to_open(path):
    """Return the seconds until the page is drawn, NaN without selenium or Chromium."""
    try:
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service
    except ImportError:
        return float("nan")
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not browser or not driver:
        return float("nan")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for option in OPTIONS:
        options.add_argument(option)
    chrome = webdriver.Chrome(options=options, service=Service(driver, env=dict(os.environ)))
    try:
        begin = time.perf_counter()
        chrome.get(path.as_uri())
        while not chrome.execute_script("return document.documentElement.dataset.ready"):
            time.sleep(0.01)
        return time.perf_counter() - begin
    finally:
        chrome.quit()
