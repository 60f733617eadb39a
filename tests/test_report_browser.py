"""A report in a real browser: drawn without errors, searched, opened, read by keyboard."""

import json
import time

import numpy as np
import pytest

import nnae

from browser import CONTRAST, UNNAMED, chromium  # isort: skip
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

EVIL = "<script>alert(1)</script>"
NAMES = [EVIL, "<img src=x onerror=alert(2)>", *(f"label {j}" for j in range(2, 72))]


@pytest.fixture(scope="module")
def made():
    data = nnae.datasets.make_label_hierarchy(1600, test_size=0.5, random_state=0)
    draws = np.random.default_rng(0)
    mixture = draws.normal(size=(72, 30))
    X, X_test = (
        np.asarray(Y @ mixture) + draws.normal(size=(Y.shape[0], 30))
        for Y in (data.Y_train.astype(float), data.Y_test.astype(float))
    )
    compressor = nnae.NNAE((24, 8, 3), random_state=0, tol=1e-2, n_threads=1)
    options = {"profile": "fast", "random_state": 0, "n_threads": 1}
    model = nnae.TwoStepClassifier(compressor, **options)
    model.fit(X, data.Y_train.astype(float), label_names=NAMES)
    return model, X_test, data.Y_test


@pytest.fixture(scope="module")
def path(made, tmp_path_factory):
    model, X_test, Y_test = made
    path = tmp_path_factory.mktemp("report") / "report.html"
    images = np.full((800, 8, 12, 3), (200, 40, 40), np.uint8)
    examples = {"X": X_test, "Y": Y_test, "images": images, "texts": 800 * [EVIL]}
    nnae.report(model, path, examples=examples, n_examples=12, title=f"Hello {EVIL}")
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("chromium")) as driver:
        yield driver


@pytest.fixture
def page(browser, path):
    """Open the report anew; nothing may have been complained about when the test ends."""
    browser.get("about:blank")
    for log in ("browser", "performance"):  # of whatever was open before
        browser.get_log(log)
    browser.get(path.as_uri())
    wait(lambda: browser.execute_script("return document.documentElement.dataset.ready"))
    yield browser
    assert [entry for entry in browser.get_log("browser") if entry["level"] != "INFO"] == []


def wait(condition, seconds=20):
    for _ in range(int(seconds * 20)):
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("what was waited for did not come")


def by(page, selector):
    return page.find_element(By.CSS_SELECTOR, selector)


def text(page, selector):
    return by(page, selector).text


def press(page, *keys):
    ActionChains(page).send_keys(*keys).perform()


def test_it_opens_whole_and_asks_the_network_for_nothing(page, path):
    assert by(page, "h1").text == f"Hello {EVIL}"
    assert "trust" in text(page, "#trust").lower()
    assert len(page.find_elements(By.CSS_SELECTOR, "#canvas .node")) > 10
    assert len(page.find_elements(By.CSS_SELECTOR, "#gallery .tile")) == 12
    requests = [
        json.loads(entry["message"])["message"]["params"]["request"]["url"]
        for entry in page.get_log("performance")
        if '"Network.requestWillBeSent"' in entry["message"]
    ]
    kinds = {url.split(":")[0] for url in requests}
    assert kinds <= {"file", "data", "blob"}, requests
    start = page.execute_script("return performance.timing.navigationStart")
    ready = page.execute_script("return performance.timing.loadEventEnd")
    assert 0 < ready - start < 3000


def test_search_finds_a_label_and_shows_it(page):
    press(page, "/")
    press(page, "label 17")
    hits = page.find_elements(By.CSS_SELECTOR, "#hits li")
    assert hits[0].text.splitlines()[0] == "label 17"
    press(page, Keys.ENTER)
    assert text(page, "#card h3") == "label 17"
    assert text(page, "#label-name") == "“label 17”"
    assert by(page, "#canvas .picked").get_attribute("aria-label").startswith("label 17, label")
    assert not by(page, "#hits").is_displayed()
    press(page, "/", "no such label")
    assert text(page, "#hits") == "Nothing found"
    press(page, Keys.ESCAPE)


def concept(page):
    """Return the largest concept that can be opened."""
    nodes = page.find_elements(By.CSS_SELECTOR, '#canvas .node[aria-expanded="false"]')
    return max(nodes, key=lambda node: node.rect["height"])


@pytest.mark.parametrize("view", ["icicle", "treemap"])
def test_a_click_zooms_and_the_path_leads_back(page, view):
    by(page, f"#as-{view}").click()
    assert by(page, f"#as-{view}").get_attribute("aria-pressed") == "true"
    chosen = concept(page)
    name = chosen.get_attribute("aria-label").rsplit(", concept", 1)[0]
    before = text(page, "#path")
    ActionChains(page).move_to_element(chosen).click().perform()
    assert text(page, "#path").endswith(name)
    assert text(page, "#path") != before
    assert text(page, "#card h3") == name
    by(page, "#path button").click()
    assert text(page, "#path") == "all labels"


def test_the_flow_shows_the_number_of_explain(page, made):
    model, X_test, _ = made
    rows = np.unique(np.linspace(0, 799, 12).astype(int))
    for at in (0, 7):
        by(page, f"#tile-{at}").click()
        wait(lambda at=at: text(page, "#example h3") == f"example {rows[at]}")
        for button in page.find_elements(By.CSS_SELECTOR, "#example .bar .toggle button"):
            button.click()
            drawn = by(page, "#flow svg")
            label = drawn.get_attribute("data-label")
            found = nnae.explain(model, X_test[rows[at]], label)
            assert float(drawn.get_attribute("data-score")) == found.score
            assert float(text(page, "#flow-score")) == pytest.approx(found.score, rel=1e-3)
            assert f"score {float(f'{found.score:.4g}'):g}" in drawn.get_attribute("aria-label")
            amounts = page.execute_script(FLOW_TABLE, label)
            assert sum(amounts) == pytest.approx(found.score, rel=0.02, abs=2e-3)
            names = [node.text for node in drawn.find_elements(By.CSS_SELECTOR, "text")]
            best = str(found.features.iloc[0]["name"])
            assert best in names


FLOW_TABLE = """
const label = arguments[0];
return [...document.querySelectorAll("#amounts tbody tr")].map((row) =>
  [...row.children].map((cell) => cell.textContent)).filter((row) => row[1] === label)
  .map((row) => Number(row[2].replaceAll("−", "-")));
"""


def test_label_text_is_inert(page):
    page.execute_script("window.alert = () => { window.alerted = true; }")
    for name in NAMES[:2]:
        press(page, "/")
        press(page, name, Keys.ENTER)
        assert text(page, "#card h3") == name
        assert text(page, "#label-name") == f"“{name}”"
    by(page, "#tile-3").click()
    wait(lambda: EVIL in text(page, "#example"))
    assert page.execute_script("return window.alerted") is None
    assert page.execute_script("return document.querySelectorAll('img[src=x]').length") == 0
    scripts = "return [...document.scripts].filter((s) => !s.type && s.textContent).length"
    assert page.execute_script(scripts) == 1


def test_an_injected_script_does_not_run(page):
    page.execute_script(
        "const s = document.createElement('script'); s.textContent = 'window.injected = 1';"
        "document.body.append(s)"
    )
    assert page.execute_script("return window.injected") is None
    complaints = page.get_log("browser")  # the policy says so in the console
    assert any("Content Security Policy" in entry["message"] for entry in complaints)


def test_the_tree_by_keyboard(page):
    page.execute_script("document.getElementById('canvas').focus()")
    active = "return document.getElementById('canvas').getAttribute('aria-activedescendant')"
    start = page.execute_script(active)
    press(page, Keys.ARROW_RIGHT)
    first = page.execute_script(active)
    assert first != start
    press(page, Keys.ARROW_DOWN)
    assert page.execute_script(active) not in (start, first)
    press(page, Keys.ARROW_UP)
    assert page.execute_script(active) == first
    name = by(page, f"#{first}").get_attribute("aria-label").rsplit(", concept", 1)[0]
    press(page, Keys.ENTER)
    assert text(page, "#path").endswith(name)
    press(page, Keys.ESCAPE)
    assert text(page, "#path") == "all labels"
    assert page.execute_script(active) == first


def test_everything_can_be_reached_by_tab(page):
    page.execute_script("document.body.focus()")
    seen = []
    for _ in range(30):
        press(page, Keys.TAB)
        seen.append(page.execute_script("return document.activeElement.id"))
    wanted = ["theme", "query", "as-icicle", "as-treemap", "canvas"]
    assert [name for name in seen if name in wanted] == wanted


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_stands_out_and_everything_has_a_name(page, theme):
    page.execute_script("document.documentElement.dataset.theme = arguments[0]", theme)
    for details in page.find_elements(By.CSS_SELECTOR, "details"):
        page.execute_script("arguments[0].open = true", details)
    weak = [found for found in page.execute_script(CONTRAST) if found[0] < 4.5]
    weak = [found for found in weak if found[1].strip()]
    assert weak == []
    assert page.execute_script(UNNAMED) == []
    pictures = "return [...document.images].filter((i) => !i.alt).length"
    assert page.execute_script(pictures) == 0
    unnamed = "return [...document.querySelectorAll('svg[role=img]')].filter((s) => !s.ariaLabel)"
    assert page.execute_script(unnamed + ".length") == 0


def test_the_theme_button_switches(page):
    paper = "return getComputedStyle(document.body).backgroundColor"
    before = page.execute_script(paper)
    by(page, "#theme").click()
    assert page.execute_script(paper) != before


def test_the_filter_parts_right_from_wrong(page):
    shown = {}
    for kind in ("all", "right", "wrong"):
        by(page, f"#filter option[value={kind}]").click()
        shown[kind] = len(page.find_elements(By.CSS_SELECTOR, "#gallery .tile"))
    assert shown["all"] == shown["right"] + shown["wrong"] == 12


def test_ten_thousand_labels_stay_fluid(browser, tmp_path):
    draws = np.random.default_rng(0)
    L, k = 10_000, 60
    W = np.zeros((k, L))
    W[draws.integers(k, size=L), np.arange(L)] = draws.random(L) + 0.1
    upper = np.zeros((8, k))
    upper[np.arange(k) % 8, np.arange(k)] = 1.0
    names = [f"label number {j}" for j in range(L)]
    tree = nnae.LabelHierarchy.from_weights([W, upper], label_names=names)
    from nnae.reporting._page import page as write_page
    from nnae.reporting._tree_data import tree_data

    about = {"n_labels": L, "n_features": 1, "widths": [k, 8], "n_heldout": 0, "version": "0"}
    about |= {"decoder": "linear", "step_two": "ridge", "loss": "frobenius"}
    core = {"title": "", "about": about, "tree": tree_data(tree)[0], "examples": []}
    core |= {"performance": None, "audit": None}
    path = tmp_path / "large.html"
    path.write_text(write_page("large", "", {"core": core, "links": {"a": [], "b": []}}))
    assert path.stat().st_size < 15_000_000
    start = time.perf_counter()
    browser.get(path.as_uri())
    wait(lambda: browser.execute_script("return document.documentElement.dataset.ready"))
    assert time.perf_counter() - start < 3
    taken = browser.execute_script(
        "const t = performance.now(); zoom(app.model.children[0][0]); document.body.offsetHeight;"
        "zoom(0); document.body.offsetHeight;"
        "const s = performance.now(); findAll('label number 99'); const e = performance.now();"
        "return [(s - t) / 2, e - s]"
    )
    assert max(taken) < 200, taken
    assert browser.get_log("browser") == []
