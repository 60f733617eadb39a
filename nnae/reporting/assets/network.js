// The labels that depend on the chosen one: a star whose lines tell sign, strength and direction.
const NEAR = 14;
let pairsOf = null;

async function pairs(node) {
  const links = await block("links");
  if (pairsOf === null) {
    pairsOf = new Map();
    for (let at = 0; at < links.a.length; at++) {
      for (const side of [links.a[at], links.b[at]]) {
        if (!pairsOf.has(side)) pairsOf.set(side, []);
        pairsOf.get(side).push(at);
      }
    }
  }
  return (pairsOf.get(node) || []).map((at) => {
    const turned = links.b[at] === node;
    const direction = links.direction[at];
    return {
      other: turned ? links.a[at] : links.b[at], npmi: links.npmi[at], odds: links.odds[at], low: links.low[at], high: links.high[at],
      count: links.count[at], expected: links.expected[at], q: links.q[at],
      implies: direction === 3 || direction === (turned ? 2 : 1), implied: direction === 3 || direction === (turned ? 1 : 2),
    };
  }).sort((a, b) => Math.abs(b.npmi) - Math.abs(a.npmi));
}

async function drawNetwork(node) {
  const model = app.model;
  byId("label-name").textContent = "“" + model.name(node) + "”";
  const found = await pairs(node);
  if (app.label !== node) return;
  if (!found.length) {
    const why = model.about.n_heldout ? "No dependency of this label could be shown: it is independent of the others, or too rare to tell." : "No dependencies were given.";
    show(byId("network"), el("p", { class: "note" }, why));
    show(byId("pairs"));
    return;
  }
  show(byId("network"), star(node, found.slice(0, NEAR)), el("p", { class: "note" }, "Thick lines are strong ties. Blue, solid: together more often than by chance; orange, dashed: less often. An arrow points at the label that the other one brings along."));
  const rows = found.slice(0, 40).map((pair) => [nodeLink(pair.other), pair.count === null ? "–" : num(pair.count, 6), num(pair.expected), num(pair.odds), num(pair.npmi, 2), pair.q === 0 ? "< 1e−99" : num(pair.q, 2)]);
  show(byId("pairs"), table("Significant dependencies, the strongest first", ["label", "together", "by chance", "odds ratio", "NPMI", "q"], rows));
}

function star(node, near) {
  const W = 620, H = 460, cx = W / 2, cy = H / 2;
  const lines = [], labels = [];
  near.forEach((pair, at) => {
    const angle = (2 * Math.PI * at) / near.length - Math.PI / 2;
    const x = cx + Math.cos(angle) * 178, y = cy + Math.sin(angle) * 172;
    const part = Math.min(1, Math.abs(pair.npmi));
    const up = pair.npmi >= 0;
    const paint = up ? "var(--for)" : "var(--against)";
    lines.push(svg("line", { x1: cx, y1: cy, x2: x, y2: y, "stroke-width": 1 + 7 * part, "stroke-dasharray": up ? null : "6 4", style: { stroke: paint, opacity: 0.75 } },
      svg("title", {}, app.model.name(pair.other) + ": NPMI " + num(pair.npmi, 2) + ", odds ratio " + num(pair.odds))));
    if (pair.implies) lines.push(arrow(cx, cy, x, y, 0.74, paint));
    if (pair.implied) lines.push(arrow(x, y, cx, cy, 0.66, paint));
    const side = Math.cos(angle) > 0.25 ? "start" : Math.cos(angle) < -0.25 ? "end" : "middle";
    const dx = side === "start" ? 10 : side === "end" ? -10 : 0;
    const dy = side === "middle" ? (Math.sin(angle) > 0 ? 20 : -14) : 0;
    labels.push(svg("g", { style: { cursor: "pointer" }, onclick: () => { zoom(pair.other); pick(pair.other); } },
      svg("circle", { cx: x, cy: y, r: 6, style: { fill: colour(app.model.paint[pair.other]), stroke: "var(--panel)" } }),
      svg("text", { x: x + dx, y: y + dy, "text-anchor": side, "dominant-baseline": "central", class: "halo" }, clip(app.model.name(pair.other), 23))));
  });
  const says = "Dependencies of " + app.model.name(node) + ": " + near.slice(0, 5).map((pair) => app.model.name(pair.other) + " " + num(pair.npmi, 2)).join(", ") + ". All are in the table.";
  return svg("svg", { viewBox: "0 0 " + W + " " + H, role: "img", "aria-label": says }, lines, labels,
    svg("circle", { cx, cy, r: 10, style: { fill: "var(--ink)" } }),
    svg("text", { x: cx, y: cy - 18, "text-anchor": "middle", "font-weight": 600, class: "halo" }, clip(app.model.name(node), 34)));
}

function arrow(x1, y1, x2, y2, part, paint) {
  const x = x1 + (x2 - x1) * part, y = y1 + (y2 - y1) * part;
  const turn = (Math.atan2(y2 - y1, x2 - x1) * 180) / Math.PI;
  return svg("path", { d: "M-7,-6 L6,0 L-7,6 Z", transform: "translate(" + x + " " + y + ") rotate(" + turn + ")", style: { fill: paint, stroke: "none" } });
}
