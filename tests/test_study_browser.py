"""A person with a keyboard and a real browser: from the first page to the analysis."""

import io
import time

import numpy as np
import pandas as pd
import pytest

import nnae

pytest.importorskip("jinja2", reason="questionnaires are written with jinja2")

from browser import CONTRAST, UNNAMED, chromium
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    data = nnae.datasets.make_label_hierarchy(900, test_size=0.5, random_state=0)
    names = [EVIL, '"quoted", and, commas', *(f"label {j}" for j in range(2, 72))]
    model = nnae.TwoStepClassifier(
        nnae.NNAE((12, 3), random_state=0, n_threads=1), profile="fast", random_state=0, n_threads=1
    )
    model.fit(data.Y_train.toarray(), data.Y_train, label_names=names)
    tree = nnae.LabelHierarchy.from_compressor(model.compressor_, label_names=names)
    path = tmp_path_factory.mktemp("study") / "study.html"
    pictures = np.full((data.Y_test.shape[0], 8, 8, 3), (20, 90, 160), np.uint8)
    X = data.Y_test.toarray()
    nnae.reader_study(
        model, tree, X, path, images=pictures, n_items=8, n_practice=2, title=f"Hello {EVIL}"
    )
    return path


@pytest.fixture
def browser(tmp_path):
    with chromium(tmp_path) as driver:
        yield driver


class Person:
    """Presses keys, and reads what is on the screen."""

    def __init__(self, driver, path, code):
        self.driver = driver
        driver.get(f"{path.as_uri()}?participant={code}")

    def sees(self, name):
        return self.driver.find_element(By.ID, name).is_displayed()

    def reads(self, name):
        return self.driver.find_element(By.ID, name).text

    def press(self, *keys):
        for key in keys:
            self.driver.switch_to.active_element.send_keys(key)

    def consent(self):
        self.driver.find_element(By.ID, "participant").send_keys(Keys.TAB)
        self.press(Keys.SPACE, Keys.ENTER)

    def complete(self, choose):
        """Answer everything; `choose` returns keys for a question. Returns what was seen."""
        seen = []
        for _ in range(100):
            if self.sees("end"):
                return seen
            if self.sees("notice") or self.sees("feedback"):
                self.press(Keys.ENTER)
                continue
            asked = self.reads("asked")
            practice, tree = self.reads("question-title") == "Practice", self.sees("tree-panel")
            seen.append((asked, practice, tree))
            self.press(*choose(len(seen)), Keys.ENTER)
        raise AssertionError("the questionnaire does not end")


def saved(folder):
    for _ in range(100):
        found = sorted(folder.glob("*.csv"))
        if found:
            return found[0]
        time.sleep(0.1)
    raise AssertionError(f"nothing was saved in {folder}")


def test_a_study_from_keyboard_to_analysis(browser, study, tmp_path):
    person = Person(browser, study, "P07")
    assert browser.find_element(By.TAG_NAME, "h1").text == f"Hello {EVIL}"
    assert browser.title == f"Hello {EVIL}"
    person.consent()
    keys = [("y", "4"), ("n", "1"), ("y", "5")]
    seen = person.complete(lambda number: keys[number % 3])
    person.press(Keys.ENTER)  # the button to save has the focus
    path = saved(tmp_path)
    assert "P07" in path.name
    table = pd.read_csv(path, dtype=str)
    assert len(table) == len(seen) == 12
    assert (table["participant"] == "P07").all()
    assert list(table["answer"]) == [{"y": "yes", "n": "no"}[keys[i % 3][0]] for i in range(1, 13)]
    assert list(table["confidence"]) == [keys[i % 3][1] for i in range(1, 13)]
    assert list(table["phase"] == "practice") == [practice for _, practice, _ in seen]
    assert list(table["condition"] == "tree") == [tree for _, _, tree in seen]
    for (asked, _, _), label in zip(seen, table["label"], strict=True):
        assert asked == f"Did the model also choose {label}?"
    assert sorted(table["trial"].astype(int)) == list(range(1, 13))
    report = nnae.analyse_study(path)
    tests = table[table["phase"] == "test"]
    right = (tests["answer"] == tests["model"]).groupby(tests["condition"]).mean()
    for name, accuracy in zip(
        report.conditions["condition"], report.conditions["accuracy"], strict=True
    ):
        assert accuracy == pytest.approx(right[name])
    assert (report.conditions["answers"] == 4).all()
    assert browser.get_log("browser") == []
    events = [entry["message"] for entry in browser.get_log("performance")]
    requests = [text for text in events if '"Network.requestWillBeSent"' in text]
    assert requests
    outside = [text for text in requests if "http:" in text or "https:" in text]
    assert not outside


def test_conditions_change_with_the_code(browser, study):
    first, orders = {}, set()
    for code in ("1", "2", "3", "4"):
        person = Person(browser, study, code)
        person.consent()
        seen = person.complete(lambda number: ("n", "3"))
        text = browser.execute_script("return document.getElementById('csv').value")
        table = pd.read_csv(io.StringIO(text), dtype=str)
        table = table[table["phase"] == "test"]
        assert len(table) == 8
        first[code] = (seen[0][2], dict(zip(table["item"], table["condition"], strict=True)))
        orders.add(tuple(table["item"]))
        person.press(Keys.ENTER)  # saved: the page may be left
    assert sum(tree for tree, _ in first.values()) == 2
    for item in first["1"][1]:
        shown = [items[item] for _, items in first.values()]
        assert sorted(shown) == ["none", "none", "tree", "tree"]
    assert len(orders) == 4
    again = Person(browser, study, "1")
    again.consent()
    assert again.reads("notice-title") == "Part 1 of 2"


def test_mistakes_are_told_and_a_label_is_inert(browser, study):
    person = Person(browser, study, "")
    browser.find_element(By.CSS_SELECTOR, "#consent button").send_keys(Keys.ENTER)
    assert person.reads("participant-error") == "Enter your participant code."
    assert browser.switch_to.active_element.get_attribute("id") == "participant"
    person.press("x", Keys.ENTER)
    assert person.reads("agree-error") == "Tick the box to take part."
    person.press(Keys.SPACE, Keys.ENTER)
    person.press(Keys.ENTER)
    person.press(Keys.ENTER)
    assert person.reads("answer-error") == "Choose Yes or No."
    person.press("y", Keys.ENTER)
    assert person.reads("answer-error") == "Say how sure you are."
    # open every group of the tree: the label that looks like a script is text
    while not person.sees("tree-panel"):
        if person.sees("question") and not person.sees("feedback"):
            person.press("y", "2", Keys.ENTER)
        else:
            person.press(Keys.ENTER)
    for _ in range(4):
        browser.execute_script(
            "document.querySelectorAll('#tree details').forEach((d) => { d.open = true; })"
        )
        time.sleep(0.2)
    chips = browser.find_elements(By.CSS_SELECTOR, "#tree .chip")
    assert EVIL in [chip.get_attribute("textContent").split(" (")[0] for chip in chips]
    assert len(chips) == 72
    assert not browser.find_elements(By.CSS_SELECTOR, "main script")
    assert browser.execute_script("return document.scripts.length") == 2
    assert browser.get_log("browser") == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_and_everything_has_a_name(browser, study, scheme):
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    person = Person(browser, study, "1")
    grounds = set()

    def look():
        found = browser.execute_script(CONTRAST)
        assert found
        assert not [(round(ratio, 2), text) for ratio, text in found if ratio < 4.5]
        assert browser.execute_script(UNNAMED) == []
        script = "return getComputedStyle(document.body).backgroundColor"
        grounds.add(browser.execute_script(script))

    look()
    person.consent()
    look()
    person.press(Keys.ENTER)
    look()
    person.press("y", "1", Keys.ENTER)
    look()
    assert len(grounds) == 1
    assert (scheme == "dark") == (grounds == {"rgb(20, 23, 28)"})
    outline = "return getComputedStyle(document.activeElement).outlineWidth"
    assert browser.execute_script(outline) == "3px"


def test_it_fits_a_small_screen(browser, study):
    size = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    person = Person(browser, study, "1")
    wide = "return document.documentElement.scrollWidth <= window.innerWidth"
    assert browser.execute_script(wide)
    person.consent()
    while not person.sees("tree-panel"):
        if person.sees("question") and not person.sees("feedback"):
            person.press("y", "2", Keys.ENTER)
        else:
            person.press(Keys.ENTER)
    assert browser.execute_script(wide)
