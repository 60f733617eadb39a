// The tree as nested rectangles (squarified: Bruls, Huizing and van Wijk 2000), two steps deep.
function squarify(items, x, y, w, h, place) {
  let rest = items.slice();
  while (rest.length) {
    const total = rest.reduce((sum, item) => sum + item.size, 0);
    const short = Math.min(w, h), scale = (w * h) / total;
    let row = [], sum = 0, worst = Infinity;
    for (const item of rest) {
      const next = sum + item.size, side = (next * scale) / short;
      const bad = Math.max(...[...row, item].map((one) => {
        const other = (one.size * scale) / side;
        return Math.max(side / other, other / side);
      }));
      if (row.length && bad > worst) break;
      row.push(item);
      sum = next;
      worst = bad;
    }
    const side = (sum * scale) / short;
    let at = 0;
    for (const item of row) {
      const length = (item.size * scale) / side;
      if (w >= h) place(item.node, x, y + at, side, length);
      else place(item.node, x + at, y, length, side);
      at += length;
    }
    if (w >= h) { x += side; w -= side; } else { y += side; h -= side; }
    rest = rest.slice(row.length);
  }
}

function treemap(group, width, height) {
  const model = app.model, known = model.nodes;
  const bar = 24;
  const head = svg("g", { class: "node", id: "node-" + app.focus, role: "treeitem", "aria-expanded": "true", "aria-level": model.path(app.focus).length, "data-node": app.focus, "aria-label": model.name(app.focus) + ", open", onclick: goUp },
    svg("rect", { x: 0, y: 0, width, height: bar - 2, style: { fill: "var(--soft)" } }),
    svg("text", { x: 8, y: bar / 2, "dominant-baseline": "central" }, (app.focus ? "↑ " + model.name(app.focus) : "all labels")));
  group.append(head);
  shape.nodes.push(app.focus);
  const draw = (node, x, y, w, h, depth) => {
    if (w < 3 || h < 3) return;
    const [paint, ink] = tone(node);
    const inner = !model.isLabel(node) && depth < 2 && w > 60 && h > 44;
    box(group, node, x, y, w - 1, inner ? 20 : h - 1, paint, ink);
    if (!inner) return;
    const items = model.bySize(node).map((child) => ({ node: child, size: known.size[child] }));
    squarify(items, x + 2, y + 21, w - 4, h - 24, (child, ...where) => draw(child, ...where, depth + 1));
  };
  const items = model.bySize(app.focus).map((child) => ({ node: child, size: known.size[child] }));
  if (items.length) squarify(items, 0, bar, width, height - bar, (child, ...where) => draw(child, ...where, 1));
}
