"""A headless Chromium for tests, and what any page must satisfy in it."""

import os
import shutil
from contextlib import contextmanager

import pytest

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
if not CHROMIUM or not DRIVER:
    pytest.skip("chromium and chromedriver are needed", allow_module_level=True)

from selenium.webdriver.chrome.service import Service  # noqa: E402

OPTIONS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--force-prefers-reduced-motion", "--window-size=1280,900"),
)
CONTRAST = """
const channel = (v) => v <= 10.31 ? v / 3294.6 : ((v / 255 + 0.055) / 1.055) ** 2.4;
const parse = (text) => text.match(/[\\d.]+/g).map(Number);
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const ground = (el) => {
  for (let e = el; e; e = e.parentElement) {
    const c = parse(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > 0) return c;
  }
  return [255, 255, 255];
};
return [...document.querySelectorAll("body *")].filter((el) => el.checkVisibility()
  && [...el.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())
  && !el.closest(":disabled") && !["SCRIPT", "STYLE"].includes(el.tagName)).map((el) => {
    const [a, b] = [parse(getComputedStyle(el).color), ground(el)].map((c) => light(c) + 0.05);
    return [Math.max(a / b, b / a), el.textContent.slice(0, 40)];
  });
"""
UNNAMED = """
const named = (el) => el.labels?.length || el.textContent.trim() || el.ariaLabel;
return [...document.querySelectorAll("input, textarea, button, progress")]
  .filter((el) => !named(el)).map((el) => el.outerHTML);
"""


@contextmanager
def chromium(folder):
    """Start a browser with a profile and downloads in a folder; end it afterwards."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for option in (*OPTIONS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(option)
    prefs = {"download.default_directory": str(folder), "download.prompt_for_download": False}
    options.add_experimental_option("prefs", prefs)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    # without it selenium asks the network which driver fits
    driver = webdriver.Chrome(options=options, service=Service(DRIVER, env=dict(os.environ)))
    yield driver
    driver.quit()
