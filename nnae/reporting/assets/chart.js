// Small charts: values with intervals, bars over bands, a calibration curve.
function scale(low, high, from, to) {
  const span = high - low || 1;
  return (value) => from + ((value - low) / span) * (to - from);
}

// Each row: a dot with its interval, a hollow diamond for chance, and crosses for rivals.
function whiskers(rows, says) {
  const W = 520, left = 178, line = 34, top = 26;
  const values = rows.flatMap((row) => [row.value, row.low, row.high, row.chance, ...row.rivals.map((rival) => rival.value), 0]).filter((v) => v !== null);
  const x = scale(Math.min(...values), Math.max(...values), left, W - 20);
  const H = top + rows.length * line + 8;
  const parts = [svg("line", { x1: x(0), x2: x(0), y1: top - 8, y2: H - 8, style: { stroke: "var(--rule)" } }),
    svg("text", { x: x(0), y: 12, "text-anchor": "middle", class: "small" }, "0")];
  rows.forEach((row, at) => {
    const y = top + at * line + 12;
    parts.push(svg("text", { x: left - 14, y, "text-anchor": "end", "dominant-baseline": "central" }, clip(row.name, 28)),
      svg("line", { x1: x(row.low), x2: x(row.high), y1: y, y2: y, "stroke-width": 2.5, style: { stroke: "var(--for)" } }),
      svg("circle", { cx: x(row.value), cy: y, r: 5.5, style: { fill: "var(--for)" } }, svg("title", {}, row.name + " " + num(row.value) + " (" + num(row.low) + " to " + num(row.high) + ")")));
    if (row.chance !== null) parts.push(svg("path", { d: "M0,-6 L6,0 L0,6 L-6,0 Z", transform: "translate(" + x(row.chance) + " " + y + ")", style: { fill: "var(--panel)", stroke: "var(--quiet)", strokeWidth: 1.6 } }, svg("title", {}, "shuffled trees " + num(row.chance))));
    row.rivals.forEach((rival) => parts.push(svg("path", { d: "M-4,-4 L4,4 M-4,4 L4,-4", transform: "translate(" + x(rival.value) + " " + (y + 9) + ")", style: { stroke: "var(--against)", strokeWidth: 2, fill: "none" } }, svg("title", {}, rival.name + " " + num(rival.value)))));
  });
  return el("div", { class: "chart" }, svg("svg", { viewBox: "0 0 " + W + " " + H, role: "img", "aria-label": says }, parts));
}

// Bars with standard errors; each bar has a label below and a note on its number.
function bars(items, says, unit) {
  const W = 520, H = 250, bottom = 44, top = 20, gap = 8;
  const step = (W - 58) / items.length;
  const y = scale(0, 1, H - bottom, top);
  const parts = [0, 0.25, 0.5, 0.75, 1].map((tick) => [svg("line", { x1: 10, x2: W - 6, y1: y(tick), y2: y(tick), style: { stroke: "var(--rule)" } }),
    svg("text", { x: W - 6, y: y(tick) - 4, "text-anchor": "end", class: "small" }, 100 * tick + " %")]);
  items.forEach((item, at) => {
    const x = 14 + at * step, wide = Math.min(step - gap, 70), middle = x + wide / 2;
    parts.push(svg("rect", { x, y: y(item.value), width: wide, height: Math.max(0, y(0) - y(item.value)), style: { fill: item.paint || "var(--for)" } }, svg("title", {}, item.title)),
      item.error ? svg("line", { x1: middle, x2: middle, y1: y(Math.min(1, item.value + item.error)), y2: y(Math.max(0, item.value - item.error)), "stroke-width": 1.6, style: { stroke: "var(--ink)" } }) : null,
      svg("text", { x: middle, y: y(item.value) - 6, "text-anchor": "middle", class: "halo", "font-weight": 600 }, (100 * item.value).toFixed(1)),
      svg("text", { x: middle, y: H - bottom + 15, "text-anchor": "middle", "font-size": items.length > 6 ? 10 : 12 }, item.name),
      svg("text", { x: middle, y: H - bottom + 30, "text-anchor": "middle", class: "small", style: { fontSize: items.length > 6 ? "9.5px" : "11px" } }, item.note || ""));
  });
  if (unit) parts.push(svg("text", { x: 14, y: H - 1, class: "small" }, unit));
  return el("div", { class: "chart" }, svg("svg", { viewBox: "0 0 " + W + " " + H, role: "img", "aria-label": says }, parts.flat()));
}

function curve(points, says) {
  const W = 520, H = 300, left = 52, bottom = 42;
  const x = scale(0, 1, left, W - 14), y = scale(0, 1, H - bottom, 12);
  const parts = [0, 0.5, 1].flatMap((tick) => [
    svg("line", { x1: left, x2: W - 14, y1: y(tick), y2: y(tick), style: { stroke: "var(--rule)" } }),
    svg("text", { x: left - 8, y: y(tick), "text-anchor": "end", "dominant-baseline": "central", class: "small" }, 100 * tick + " %"),
    svg("text", { x: x(tick), y: H - bottom + 17, "text-anchor": "middle", class: "small" }, 100 * tick + " %")]);
  parts.push(svg("line", { x1: x(0), y1: y(0), x2: x(1), y2: y(1), "stroke-dasharray": "5 4", style: { stroke: "var(--quiet)" } }),
    svg("text", { x: x(0.5), y: H - 6, "text-anchor": "middle", class: "small" }, "predicted probability"),
    svg("text", { x: 13, y: y(0.5), "text-anchor": "middle", transform: "rotate(-90 13 " + y(0.5) + ")", class: "small" }, "true share"),
    svg("polyline", { points: points.map((p) => x(p.predicted) + "," + y(p.observed)).join(" "), "stroke-width": 2, style: { fill: "none", stroke: "var(--for)" } }));
  for (const p of points) {
    parts.push(svg("line", { x1: x(p.predicted), x2: x(p.predicted), y1: y(Math.min(1, p.observed + p.error)), y2: y(Math.max(0, p.observed - p.error)), style: { stroke: "var(--for)" } }),
      svg("circle", { cx: x(p.predicted), cy: y(p.observed), r: 4.5, style: { fill: "var(--for)", stroke: "var(--panel)" } }, svg("title", {}, "predicted " + percent(p.predicted) + ", true " + percent(p.observed) + ", " + plural(p.n, "label"))));
  }
  return el("div", { class: "chart" }, svg("svg", { viewBox: "0 0 " + W + " " + H, role: "img", "aria-label": says }, parts));
}
