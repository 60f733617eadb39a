// A card for the node that is selected: what it is made of, where it hangs and how surely.
const sure = (frequency) => (frequency === null || frequency === undefined ? "" : ", in " + percent(frequency, 0) + " of refits");

function edgeRows(edges, side) {
  return edges.slice().sort((a, b) => b.share - a.share).slice(0, 8).map((edge) =>
    el("div", { class: "meter" }, nodeLink(edge[side]),
      el("span", { class: "track", "aria-hidden": "true" }, el("span", { class: "fill", style: { display: "block", width: 100 * Math.min(1, edge.share) + "%" } })),
      el("span", { class: "value", title: "share of the child's weight" + sure(edge.frequency) }, percent(edge.share, 0))));
}

function drawCard(node) {
  const model = app.model, known = model.nodes;
  const facts = [];
  const fact = (name, value) => { if (value !== "–") facts.push(el("dt", {}, name), el("dd", {}, value)); };
  if (!model.isLabel(node)) fact("labels below", known.size[node].toLocaleString("en"));
  fact("share of all mass", percent(known.mass[node] / model.total));
  if (node > 0 && !model.isLabel(node)) fact("sparseness (0 even, 1 one label)", num(known.hoyer[node], 2));
  if (model.isLabel(node)) fact("training examples", num(known.count[node], 6));
  const parts = [el("p", { class: "kind" }, model.what(node)), el("h3", {}, node === 0 ? "All labels" : model.name(node)), el("dl", {}, facts)];
  const top = model.tree.top[node];
  if (top) {
    const most = top[0][1];
    parts.push(el("h4", {}, "Made of"), top.map(([label, weight, lift]) => {
      const row = meter(nodeLink(label), weight / most, percent(weight, 0), colour(model.paint[node]));
      row.title = "weight " + num(weight) + ", " + num(lift, 2) + " times its base rate";
      return row;
    }));
  }
  const above = model.above.get(node), below = model.below.get(node);
  if (above && above.length) parts.push(el("h4", {}, above.length > 1 ? "Belongs to several concepts" : "Belongs to"), edgeRows(above, "parent"), confidence(above));
  if (below && below.length && !top) parts.push(el("h4", {}, "Below it"), edgeRows(below, "child"));
  if (node === 0) {
    const roots = model.children[0].slice().sort((a, b) => known.mass[b] - known.mass[a]).slice(0, 12);
    const most = known.mass[roots[0]] || 1;
    parts.push(el("h4", {}, "The heaviest concepts"), roots.map((child) => meter(nodeLink(child), known.mass[child] / most, percent(known.mass[child] / model.total, 0), colour(model.paint[child]))));
  }
  const parent = known.parent[node];
  if (parent === 0 && !(above && above.length)) parts.push(el("p", { class: "note" }, "Hangs at the root: no concept owns enough of it."));
  if (model.isLabel(node) && parent < 0) parts.push(el("p", { class: "note" }, "Not in the tree: no training example has it."));
  show(byId("card"), parts);
}

function confidence(edges) {
  const known = edges.filter((edge) => edge.frequency !== null && edge.frequency !== undefined);
  if (!known.length) return el("p", { class: "note" }, "Shares of the node's weight. How often these edges come back in refits was not measured.");
  return el("p", { class: "note" }, known.map((edge) => app.model.name(edge.parent) + sure(edge.frequency)).join("; "));
}
