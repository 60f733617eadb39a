// Search over labels, concepts and examples; the first matches are those that begin with the words.
const MOST_HITS = 12;
const hits = { list: [], at: -1 };

function findAll(text) {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return [];
  const found = [];
  const weigh = (name, what, go, extra) => {
    const at = name.toLowerCase().indexOf(wanted);
    if (at >= 0) found.push({ name, what, go, order: (at === 0 ? 0 : 1) + extra, length: name.length });
  };
  const model = app.model;
  model.nodes.name.forEach((name, node) => { if (node > 0) weigh(name, model.what(node), () => { zoom(node); pick(node); byId("tree").scrollIntoView(); byId("canvas").focus({ preventScroll: true }); }, model.isLabel(node) ? 0 : 0.5); });
  model.examples.forEach((example, at) => weigh(example.name, "example", () => openExample(at, true), 0.7));
  return found.sort((a, b) => a.order - b.order || a.length - b.length || (a.name < b.name ? -1 : 1)).slice(0, MOST_HITS);
}

function drawHits() {
  const box = byId("query"), list = byId("hits");
  list.hidden = box.value.trim() === "";
  box.setAttribute("aria-expanded", String(!list.hidden));
  show(list, hits.list.map((hit, at) => el("li", { role: "option", id: "hit-" + at, "aria-selected": String(at === hits.at), onmousedown: (event) => { event.preventDefault(); takeHit(at); } },
    el("span", {}, hit.name), el("span", { class: "what" }, hit.what))));
  if (!hits.list.length) show(list, el("li", { role: "option", "aria-disabled": "true", "aria-selected": "false" }, "Nothing found"));
  if (hits.at >= 0) {
    box.setAttribute("aria-activedescendant", "hit-" + hits.at);
    byId("hit-" + hits.at).scrollIntoView({ block: "nearest" });
  } else box.removeAttribute("aria-activedescendant");
}

function takeHit(at) {
  const hit = hits.list[at];
  if (!hit) return;
  closeHits();
  hit.go();
}
function closeHits() {
  byId("query").value = "";
  hits.list = [];
  hits.at = -1;
  drawHits();
}

function startSearch() {
  const box = byId("query");
  box.addEventListener("input", () => { hits.list = findAll(box.value); hits.at = hits.list.length ? 0 : -1; drawHits(); });
  box.addEventListener("keydown", (event) => {
    const last = hits.list.length - 1;
    if (event.key === "ArrowDown") hits.at = Math.min(last, hits.at + 1);
    else if (event.key === "ArrowUp") hits.at = Math.max(0, hits.at - 1);
    else if (event.key === "Enter") { takeHit(hits.at); event.preventDefault(); return; }
    else if (event.key === "Escape") { closeHits(); return; }
    else return;
    event.preventDefault();
    drawHits();
  });
  box.addEventListener("blur", () => { byId("hits").hidden = true; box.setAttribute("aria-expanded", "false"); });
  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName);
    if (event.key === "/" && !typing) { box.focus(); event.preventDefault(); }
  });
}
