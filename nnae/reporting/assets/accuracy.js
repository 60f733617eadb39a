// Accuracy on held-out rows: how good, for which labels, and what each step costs.
function drawAccuracy() {
  const found = app.model.performance, place = byId("accuracy-body");
  if (!found) {
    show(place, el("p", { class: "notice" }, "No held-out examples were given, so accuracy was not measured."));
    return;
  }
  const measures = found.measures.filter((row) => row.name.startsWith("P@")).map((row) => ({ name: row.name, value: row.value, title: row.name + " " + percent(row.value) }));
  const others = found.measures.filter((row) => !row.name.startsWith("P@"));
  const frequency = found.frequency;
  const bands = frequency.bands.map((band) => ({
    name: band.high === null ? band.low.toLocaleString("en") + "+" : band.low.toLocaleString("en") + "–" + band.high.toLocaleString("en"), note: plural(band.labels, "label"), value: band.recall, error: band.error,
    title: percent(band.recall) + " of " + plural(band.positives, "true label") + " among the best five",
  }));
  const budget = found.budget;
  const words = { ceiling: "codes of the true labels, decoded: the most that this code allows", predicted: "codes predicted from features: what you get", lost: "lost between the two, in step two", decided: "what predict() keeps of that ranking", "lost to thresholds": "lost by deciding where to stop" };
  const rows = budget.rows.map((row) => [el("span", {}, el("b", {}, row.name), el("br"), el("span", { class: "note" }, words[row.name] || "")), ...row.values.map((value) => percent(value))]);
  show(place, el("div", { class: "panels" },
    el("div", { class: "panel" }, el("h3", {}, "Precision of the best labels"), bars(measures, "Precision: " + measures.map((m) => m.title).join(", "), plural(found.n_rows, "held-out row")),
      el("details", {}, el("summary", {}, "Other measures"), table("", ["measure", "value"], others.map((row) => [row.name, percent(row.value)])))),
    el("div", { class: "panel wide" }, el("h3", {}, "Error budget"), table("Precision and micro F1, step by step; head, torso and tail are frequent, middling and rare labels", ["", ...budget.columns], rows)),
    el("div", { class: "panel" }, el("h3", {}, "Rare and frequent labels"), bars(bands, "True labels found among the best five, by frequency: " + bands.map((b) => b.name + " " + percent(b.value)).join(", "), "labels by their examples in training"),
      el("p", { class: "note" }, "Share of true labels that are among the best five; lines are standard errors.")),
    el("div", { class: "panel" }, el("h3", {}, "Calibration"), curve(found.calibration, "Calibration: " + found.calibration.map((p) => percent(p.predicted, 0) + " predicted, " + percent(p.observed, 0) + " true").join("; ")),
      el("p", { class: "note" }, "On the dashed line probabilities mean what they say."))));
}
