// The tree as nested bars, one column a level, the opened concept at the left; and its keys.
// Edges that recur in fewer refits than RECURRING are drawn pale and dashed.
const RECURRING = 0.6;
const HEIGHT = 640, BACK = 34, THIN = 3.2, TALL = 44;
const shape = { nodes: [], active: 0 };

function drawTree() {
  const place = byId("canvas");
  const width = Math.max(320, place.clientWidth || 800);
  shape.nodes = [];
  const group = svg("g", {});
  if (app.view === "icicle") icicle(group, width);
  else treemap(group, width, HEIGHT);
  const picture = svg("svg", { viewBox: "0 0 " + width + " " + HEIGHT, "aria-hidden": "false", role: "presentation" }, group);
  show(place, picture);
  markActive(shape.nodes.includes(shape.active) ? shape.active : app.focus);
  crumbs();
}

function box(group, node, x, y, w, h, paint, ink) {
  const model = app.model, known = model.nodes;
  const size = known.size[node];
  const often = known.frequency[node], unsure = often !== null && often !== undefined && often < RECURRING;
  const says = model.name(node) + ", " + model.what(node) + (model.isLabel(node) ? "" : ", " + plural(size, "label")) + sure(often);
  const item = svg("g", {
    class: "node" + (node === app.picked ? " picked" : "") + (unsure ? " unsure" : ""), id: "node-" + node, role: "treeitem",
    "aria-label": says, "aria-level": model.path(node).length, "data-node": node,
    "aria-expanded": model.isLabel(node) ? null : String(node === app.focus), onclick: () => open(node),
  }, svg("title", {}, says),
  svg("rect", { x, y, width: Math.max(0, w), height: Math.max(0, h), rx: 1.5, style: { fill: paint } }));
  if (h >= 11 && w > 26) {
    const font = Math.min(13, Math.max(9, h * 0.78));
    const text = clip(model.name(node), Math.floor((w - 12) / (font * 0.58)));
    const two = !model.isLabel(node) && h > 34, middle = y + h / 2 - (two ? 7 : 0);
    item.append(svg("text", { x: x + 6, y: middle, "dominant-baseline": "central", "font-size": font, style: { fill: ink } }, text));
    if (two && w > 66) {
      item.append(svg("text", { x: x + 6, y: middle + 15, "dominant-baseline": "central", "font-size": 11, style: { fill: ink, opacity: 0.85 } }, plural(size, "label")));
    }
  }
  group.append(item);
  shape.nodes.push(node);
}

// Deeper bars are paler, so that the eye sees nesting and text keeps its contrast.
function tone(node) {
  const paint = colour(app.model.paint[node]);
  if (app.model.isLabel(node)) return [mix(paint, 10), "var(--ink)"];
  const depth = app.model.path(node).length - 2;
  return depth <= 0 ? [paint, "var(--on)"] : [mix(paint, depth === 1 ? 36 : 20), "var(--ink)"];
}

function icicle(group, width) {
  const model = app.model, known = model.nodes, focus = app.focus;
  const columns = Math.max(1, known.level[focus]);
  const step = (width - BACK) / columns;
  const unit = Math.min(TALL, HEIGHT / Math.max(1, known.size[focus]));
  const right = (node) => BACK + (known.level[focus] - known.level[node]) * step;
  backBar(group, focus);
  const draw = (node, left, top) => {
    const h = known.size[node] * unit;
    const [paint, ink] = tone(node);
    box(group, node, left, top, right(node) - left, h, paint, ink);
    below(node, right(node), top);
  };
  const below = (node, left, top) => {
    let at = top, hidden = 0, from = top;
    for (const child of model.bySize(node)) {
      const tall = known.size[child] * unit;
      if (tall < THIN) { if (!hidden) from = at; hidden += known.size[child]; }
      else draw(child, left, at);
      at += tall;
    }
    if (hidden) more(group, node, hidden, left, from, width - left, at - from);
  };
  below(focus, BACK, 0);
}

// Bars too thin to be seen stand together; opening their parent shows them.
function more(group, node, count, x, y, w, h) {
  const item = svg("g", { class: "node rest", "aria-hidden": "true", onclick: () => open(node) },
    svg("rect", { x, y, width: w, height: h, style: { fill: mix(colour(app.model.paint[node]), 8) } }));
  if (h > 11) item.append(svg("text", { x: x + 6, y: y + h / 2, "dominant-baseline": "central", class: "small" }, plural(count, "label")));
  group.append(item);
}

function backBar(group, focus) {
  const item = svg("g", { class: "node", id: "node-" + focus, role: "treeitem", "aria-expanded": "true", "aria-level": app.model.path(focus).length,
    "aria-label": app.model.name(focus) + ", open; Escape goes up", "data-node": focus, onclick: goUp },
  svg("rect", { x: 0, y: 0, width: BACK - 3, height: HEIGHT, style: { fill: "var(--soft)" } }),
  svg("text", { x: BACK / 2 - 1, y: HEIGHT / 2, transform: "rotate(-90 " + (BACK / 2 - 1) + " " + HEIGHT / 2 + ")", "text-anchor": "middle", "dominant-baseline": "central" },
    (focus === 0 ? "" : "↑ ") + clip(focus === 0 ? "all labels" : app.model.name(focus), 80)));
  group.append(item);
  shape.nodes.push(focus);
}

function open(node) {
  if (node === app.focus) return;
  if (!app.model.isLabel(node)) zoom(node);
  pick(node);
}
function goUp() {
  const parent = app.model.nodes.parent[app.focus];
  const from = app.focus;
  if (parent >= 0) { zoom(parent); pick(parent); markActive(from); }
}

function crumbs() {
  const model = app.model;
  const parts = model.path(app.focus).flatMap((node, at) => {
    const text = node === 0 ? "all labels" : model.name(node);
    const part = node === app.focus ? el("b", { "aria-current": "true" }, text)
      : el("button", { type: "button", class: "link", onclick: () => { zoom(node); pick(node); } }, text);
    return at ? [el("span", { "aria-hidden": "true" }, "›"), part] : [part];
  });
  show(byId("path"), parts);
}

function markActive(node) {
  for (const old of document.querySelectorAll("#canvas .active")) old.classList.remove("active");
  shape.active = node;
  const item = byId("node-" + node);
  if (item) {
    if (document.activeElement === byId("canvas")) item.classList.add("active");
    byId("canvas").setAttribute("aria-activedescendant", item.id);
  }
}

function treeKeys(event) {
  const model = app.model, node = shape.active, parent = model.nodes.parent[node];
  const shown = (list) => list.slice().sort((a, b) => shape.nodes.indexOf(a) - shape.nodes.indexOf(b)).filter((other) => shape.nodes.includes(other));
  const sisters = node === app.focus || parent < 0 ? [node] : shown(model.children[parent]);
  const place = sisters.indexOf(node);
  const moves = {
    ArrowDown: () => sisters[Math.min(place + 1, sisters.length - 1)],
    ArrowUp: () => sisters[Math.max(place - 1, 0)],
    ArrowRight: () => shown(model.children[node])[0],
    ArrowLeft: () => (node === app.focus ? undefined : parent),
    Home: () => sisters[0],
    End: () => sisters[sisters.length - 1],
  };
  if (event.key in moves) {
    const next = moves[event.key]();
    if (next !== undefined && next >= 0) markActive(next);
  } else if (event.key === "Enter" || event.key === " ") {
    if (node === app.focus) goUp(); else open(node);
  } else if (event.key === "Escape" || event.key === "Backspace") goUp();
  else return;
  event.preventDefault();
}

function startTree() {
  const place = byId("canvas");
  place.addEventListener("keydown", treeKeys);
  place.addEventListener("focus", () => markActive(shape.active));
  place.addEventListener("blur", () => markActive(shape.active));
  on("zoom", () => { shape.active = app.focus; drawTree(); });
  on("pick", (node) => {
    for (const old of document.querySelectorAll("#canvas .picked")) old.classList.remove("picked");
    const item = byId("node-" + node);
    if (item) item.classList.add("picked");
  });
  for (const view of ["icicle", "treemap"]) {
    byId("as-" + view).addEventListener("click", () => {
      app.view = view;
      for (const other of ["icicle", "treemap"]) byId("as-" + other).setAttribute("aria-pressed", String(other === view));
      drawTree();
    });
  }
  let waiting;
  window.addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(drawTree, 120); });
  drawTree();
}
