// One score as a flow: features, concepts of every level, the label. The amounts are explain's.
function drawFlow(reason) {
  const W = 1120, H = Math.max(320, 70 + 46 * Math.max(...reason.columns.map((_, c) => reason.nodes.filter((n) => n[0] === c).length)));
  const top = 34, left = 190, right = 200, wide = 13;
  const nodes = reason.nodes.map(([column, kind, name, amount], at) => ({ at, column, kind, name, amount, into: 0, out: 0, y: 0, h: 0, inY: 0, outY: 0 }));
  const links = reason.links.map(([source, target, amount]) => ({ source: nodes[source], target: nodes[target], amount }));
  for (const link of links) { link.source.out += Math.abs(link.amount); link.target.into += Math.abs(link.amount); }
  const columns = reason.columns.map((_, column) => nodes.filter((node) => node.column === column));
  for (const list of columns) list.sort((a, b) => (a.kind === "others") - (b.kind === "others") || Math.abs(b.amount) - Math.abs(a.amount));
  const gap = 29, bottom = 26;
  const unit = Math.min(...columns.filter((list) => list.length).map((list) => (H - top - bottom - gap * (list.length - 1)) / Math.max(1e-300, list.reduce((sum, node) => sum + Math.max(node.into, node.out), 0))));
  const step = (W - left - right - wide) / (reason.columns.length - 1);
  columns.forEach((list, column) => {
    const tall = list.reduce((sum, node) => sum + Math.max(2, Math.max(node.into, node.out) * unit) + gap, -gap);
    let y = top + (H - top - bottom - tall) / 2;
    for (const node of list) {
      node.h = Math.max(2, Math.max(node.into, node.out) * unit);
      node.x = left + column * step;
      node.y = node.inY = node.outY = y;
      y += node.h + gap;
    }
  });
  links.sort((a, b) => a.source.y - b.source.y || a.target.y - b.target.y);
  const ends = links.map((link) => { const y = link.source.outY; link.source.outY += Math.abs(link.amount) * unit; return y; });
  const order = links.map((link, at) => at).sort((a, b) => links[a].target.y - links[b].target.y || links[a].source.y - links[b].source.y);
  const arrivals = new Array(links.length);
  for (const at of order) { const node = links[at].target; arrivals[at] = node.inY; node.inY += Math.abs(links[at].amount) * unit; }
  const ribbons = links.map((link, at) => {
    const size = Math.abs(link.amount) * unit;
    const x1 = link.source.x + wide, x2 = link.target.x, y1 = ends[at] + size / 2, y2 = arrivals[at] + size / 2, bend = (x2 - x1) * 0.45;
    return svg("path", { class: link.amount >= 0 ? "up" : "down", d: "M" + [x1, y1] + " C" + [x1 + bend, y1, x2 - bend, y2, x2, y2], "stroke-width": Math.max(0.6, size), opacity: 0.42 },
      svg("title", {}, link.source.name + " → " + link.target.name + ": " + signed(link.amount)));
  });
  const blocks = nodes.map((node) => {
    const last = node.column === reason.columns.length - 1, first = node.column === 0;
    const where = first ? { x: node.x - 8, "text-anchor": "end" } : { x: node.x + wide + 7, "text-anchor": "start" };
    const room = first ? 27 : last ? 27 : Math.floor(step / 7.4);
    const text = last ? num(reason.score, 4) : signed(node.amount);
    return svg("g", {}, svg("title", {}, node.name + ": " + text),
      svg("rect", { class: "block", x: node.x, y: node.y, width: wide, height: node.h }),
      svg("text", { ...where, y: node.y + node.h / 2 - 6, "dominant-baseline": "central", class: "halo", "font-weight": last ? 600 : 400 }, clip(node.name, room)),
      svg("text", { ...where, y: node.y + node.h / 2 + 8, "dominant-baseline": "central", class: "small halo" }, text));
  });
  const heads = reason.columns.map((name, column) => svg("text", { x: left + column * step + wide / 2, y: 14, "text-anchor": "middle", class: "small" }, name));
  const name = app.model.name(reason.label);
  const says = "Flow from features through concepts to " + name + ", score " + num(reason.score, 4) + ". All amounts are in the table below.";
  return svg("svg", { viewBox: "0 0 " + W + " " + H, role: "img", "aria-label": says, "data-score": reason.score, "data-label": name }, ribbons, blocks, heads);
}

function flowTable(reason) {
  const rows = reason.links.slice().sort((a, b) => Math.abs(b[2]) - Math.abs(a[2])).map(([source, target, amount]) => [reason.nodes[source][2], reason.nodes[target][2], signed(amount)]);
  return el("details", { id: "amounts" }, el("summary", {}, "All amounts as a table"), table("", ["from", "to", "amount"], rows));
}
