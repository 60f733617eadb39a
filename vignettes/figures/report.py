"""Draw report.png, a picture of README.md: python vignettes/figures/report.py.

Needs Chromium and its driver (Debian: chromium, chromium-driver) and selenium.
"""

import os
import shutil
import tempfile
import time
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

import nnae

data = nnae.datasets.load_debian_tags()
model = nnae.TwoStepClassifier(profile="fast", random_state=0)
model.fit(data.X_train, data.Y_train, label_names=data.label_names)
row = int((data.row_names_test == "qjackctl").argmax())
examples = {"X": data.X_test[[row]], "Y": data.Y_test[[row]], "names": data.row_names_test[[row]]}

options = webdriver.ChromeOptions()
options.binary_location = shutil.which("chromium")
for option in (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--window-size=1280,1000",
    "--force-prefers-reduced-motion",
):
    options.add_argument(option)
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "report.html"
    nnae.report(model, path, examples=examples | {"feature_names": data.feature_names})
    service = Service(shutil.which("chromedriver"), env=dict(os.environ))
    browser = webdriver.Chrome(options=options, service=service)
    browser.get(path.as_uri())
    while not browser.execute_script("return document.documentElement.dataset.ready"):
        time.sleep(0.05)
    second = browser.find_elements(By.CSS_SELECTOR, "#example .toggle button")[1]
    browser.execute_script("arguments[0].click()", second)
    browser.find_element(By.ID, "flow").screenshot(str(Path(__file__).with_suffix(".png")))
    browser.quit()
