// Held-out examples: what was predicted, what is true, and why.
function chips(example) {
  const truth = new Set(example.true);
  const named = new Set(example.predicted.map(([label]) => label));
  return el("span", { class: "chips" },
    example.predicted.slice(0, 5).map(([label]) => el("span", { class: truth.has(label) ? "chip hit" : "chip" }, (truth.has(label) ? "✓ " : "") + app.model.name(label))),
    example.true.filter((label) => !named.has(label)).slice(0, 3).map((label) => el("span", { class: "chip miss" }, "missed: " + app.model.name(label))));
}

function drawGallery() {
  const wanted = byId("filter").value;
  const right = (example) => example.predicted.length > 0 && example.true.includes(example.predicted[0][0]);
  const tiles = app.model.examples.map((example, at) => [example, at]).filter(([example]) => wanted === "all" || right(example) === (wanted === "right")).map(([example, at]) =>
    el("button", { type: "button", class: "tile", id: "tile-" + at, "aria-pressed": String(app.example === at), onclick: () => openExample(at, true) },
      example.image ? el("img", { src: example.image, alt: "Picture of " + example.name }) : null,
      el("b", {}, example.name), chips(example)));
  const count = app.model.examples.length;
  show(byId("gallery"), count ? tiles : el("p", { class: "notice" }, "No held-out examples were given."));
  if (count && !tiles.length) show(byId("gallery"), el("p", { class: "note" }, "None of the examples."));
}

async function openExample(at, jump) {
  app.example = at;
  for (const tile of document.querySelectorAll(".tile")) tile.setAttribute("aria-pressed", String(tile.id === "tile-" + at));
  const example = app.model.examples[at], chunk = app.model.chunk;
  const reasons = (await block("reasons-" + Math.floor(at / chunk)))[at % chunk];
  if (app.example !== at) return;
  const truth = new Set(example.true);
  const rows = example.predicted.map(([label, score]) => [nodeLink(label), num(score, 4), truth.has(label) ? "✓ true" : "✗ not"]);
  const place = el("div", { class: "flow", id: "flow" });
  const choose = (reason) => {
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.label === String(reason.label)));
    drawReason(place, reason);
  };
  const buttons = reasons.map((reason) => el("button", { type: "button", "data-label": reason.label, onclick: () => choose(reason) }, clip(app.model.name(reason.label), 40)));
  const missed = example.true.filter((label) => !example.predicted.some(([other]) => other === label));
  show(byId("example"), el("div", { class: "panel detail", tabindex: "-1", id: "detail" },
    el("h3", {}, example.name),
    el("div", { class: "columns" },
      example.image ? el("img", { class: "picture", src: example.image, alt: "Picture of " + example.name }) : null,
      example.text ? el("p", {}, example.text) : null,
      table("The best labels", ["label", "score", "in truth"], rows),
      missed.length ? el("div", {}, el("h4", {}, "True, but not among these"), el("span", { class: "chips" }, missed.map((label) => el("span", { class: "chip miss" }, app.model.name(label))))) : null),
    reasons.length ? el("div", { class: "bar" }, el("h4", {}, "Why?"), el("div", { class: "toggle", role: "group", "aria-label": "Label to explain" }, buttons)) : null,
    place));
  if (reasons.length) choose(reasons[0]);
  if (jump) { byId("example").scrollIntoView({ block: "start" }); byId("detail").focus({ preventScroll: true }); }
}

// A picture's score is led back to its regions or to its features; which, stays chosen.
let byFeatures = false;

function drawReason(place, reason) {
  const pictured = reason.regions && !byFeatures;
  const told = pictured ? { ...reason, ...reason.regions } : reason;
  const exact = told.method === "linear" ? "The ribbons add up to it." : (pictured ? "Regions by " : "Features by ") + told.method + "; what they do only together is a ribbon of its own.";
  const parts = [el("p", { class: "score" }, el("b", {}, app.model.name(reason.label)), " has the score ", el("b", { id: "flow-score" }, num(reason.score, 4)),
    reason.probability === null ? "" : ", probability " + percent(reason.probability), ", place " + reason.rank + ". ", el("span", { class: "note" }, exact + " Blue, solid: for; orange, dashed: against.")),
  reason.regions ? wayChoice(place, reason) : null,
  pictured ? regionFigure(reason) : null,
  el("div", { class: "sideways", tabindex: "0", role: "group", "aria-label": "Flow; scrolls sideways in narrow windows" }, drawFlow(told)), flowTable(told)];
  if (reason.votes) {
    const rows = reason.votes.map(([example, cosine, amount]) => ["training example " + example, num(cosine, 3), signed(amount)]);
    parts.push(el("details", {}, el("summary", {}, plural(reason.n_votes, "training example") + " voted for it"), table("The strongest votes", ["who", "likeness", "amount"], rows)));
  }
  if (reason.without && reason.without.length) {
    const rows = reason.without.flatMap((taken) => taken.labels.map(([label, before, after, from, to], at) => [
      at ? "" : el("span", {}, el("b", {}, taken.name), el("span", { class: "note" }, " (" + taken.kind + ")")),
      nodeLink(label), num(before), num(after), from === to ? "stays " + from : from + " → " + to]));
    parts.push(el("details", { id: "without" }, el("summary", {}, "What would change without its strongest concepts and features?"),
      table("Scores and places of labels that fall or rise most when one thing is taken away", ["without", "label", "before", "after", "place"], rows)));
  }
  show(place, parts);
}

function wayChoice(place, reason) {
  const way = (title, features) => el("button", { type: "button", "aria-pressed": String(byFeatures === features), onclick: () => { byFeatures = features; drawReason(place, reason); } }, title);
  return el("div", { class: "toggle", role: "group", "aria-label": "What the score is led back to", id: "ways" }, way("Regions", false), way("Features", true));
}

function regionFigure(reason) {
  const example = app.model.examples[app.example], name = app.model.name(reason.label);
  const best = reason.regions.nodes.filter((node) => node[0] === 0 && node[1] === "feature").sort((a, b) => b[3] - a[3])[0];
  const says = "Regions that make the score of " + name + (best ? "; most is given by " + best[2] : "");
  return el("figure", { class: "regions", id: "regions" },
    example.image ? el("img", { src: example.image, alt: "Picture of " + example.name }) : null,
    el("img", { src: reason.regions.image, alt: says }),
    el("figcaption", { class: "note" }, plural(reason.regions.count, "region") + ". Dark blue: the score falls without it. Light orange: it rises. Grey: it does not matter." + (best ? " Most is given by " + best[2] + " (" + signed(best[3]) + ")." : "")));
}
