// Begin: the front of the page first, the rest as its data are opened.
function startTheme() {
  const root = document.documentElement;
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);
  byId("theme").addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; });
}

function firstLabel(model) {
  let best = -1;
  model.nodes.kind.forEach((kind, node) => {
    if (kind === LABEL && model.nodes.parent[node] >= 0 && (best < 0 || model.nodes.mass[node] > model.nodes.mass[best])) best = node;
  });
  return best;
}

async function start() {
  startTheme();
  const model = new Model(await block("core"));
  app.model = model;
  on("pick", drawCard);
  on("label", drawNetwork);
  drawTrust();
  startTree();
  drawCard(0);
  drawAccuracy();
  byId("filter").addEventListener("change", drawGallery);
  drawGallery();
  startSearch();
  const about = model.about;
  byId("colophon").textContent = "Written by nnae " + about.version + ". Step two: " + about.step_two + " on " + plural(about.n_features, "feature") + "; decoder: " + about.decoder + "; loss: " + about.loss + ".";
  const label = firstLabel(model);
  if (label >= 0) { app.label = label; await drawNetwork(label); }
  if (model.examples.length) await openExample(0, false);
  document.documentElement.dataset.ready = "true";
}
start();
