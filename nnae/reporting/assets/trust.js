// The audit, up front: the verdict in words, the checks behind it, the numbers with intervals.
function drawTrust() {
  const audit = app.model.audit, place = byId("trust-body");
  if (!audit) {
    show(place, el("div", { class: "verdict unknown" }, el("span", { class: "sign", "aria-hidden": "true" }, "?"),
      el("h3", {}, "Not audited"),
      el("p", {}, "No held-out labels were given, or too few, so nothing vouches for this tree. Give the report more examples, or an audit.")));
    return;
  }
  const checks = audit.checks.map((check) => el("li", { class: check.passed ? "pass" : "fail" }, (check.passed ? "✓ " : "✗ ") + check.name, el("span", { class: "sr" }, check.passed ? ": passed" : ": failed")));
  const banner = el("div", { class: "verdict " + (audit.trustworthy ? "yes" : "no") },
    el("span", { class: "sign", "aria-hidden": "true" }, audit.trustworthy ? "✓" : "✗"),
    el("h3", {}, audit.trustworthy ? "Yes, as far as held-out rows show" : "Not on this evidence"),
    el("p", {}, audit.verdict), el("ul", { class: "checks" }, checks));
  const near = audit.metrics.filter((row) => Math.abs(row.value) <= 1.5 && row.low !== null && row.high !== null);
  const far = audit.metrics.filter((row) => !near.includes(row));
  const panels = [];
  if (near.length) {
    const says = "Audit: " + near.map((row) => row.name + " " + num(row.value) + ", chance " + num(row.chance)).join("; ");
    panels.push(el("div", { class: "panel" }, el("h3", {}, "Tree, chance and rivals"), whiskers(near, says),
      el("p", { class: "note" }, "● this tree with its 95 % interval   ◇ trees with labels shuffled   × rival trees built from the same rows")));
  }
  const rows = [...near, ...far].map((row) => [row.name, num(row.value), row.low === null ? "–" : num(row.low) + " – " + num(row.high), num(row.chance), num(row.p, 2)]);
  const rivals = audit.metrics.flatMap((row) => row.rivals.map((rival) => [row.name + ": " + rival.name, num(rival.value), rival.difference === null ? "–" : signed(rival.difference), num(rival.p, 2)]));
  panels.push(el("div", { class: "panel scroll" }, el("h3", {}, "The numbers"), table("", ["metric", "value", "95 % interval", "chance", "p"], rows),
    rivals.length ? el("details", {}, el("summary", {}, "Rival trees"), table("The tree less its rival, and how likely such a difference is by chance", ["rival", "value", "difference", "p"], rivals)) : null,
    el("details", {}, el("summary", {}, "How much evidence there was"), table("", ["count", "value"], audit.counts.map((row) => [row.name, num(row.value, 6)])))));
  show(place, banner, el("div", { class: "panels" }, panels));
}
