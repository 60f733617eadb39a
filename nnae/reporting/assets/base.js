"use strict";
// Elements, numbers and colours. Data reach the page as text nodes and attributes only.
const byId = (id) => document.getElementById(id);
const SVG_SPACE = "http://www.w3.org/2000/svg";
const COLOURS = 8;

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "style") Object.assign(node.style, value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(3)) {
    if (child !== null && child !== undefined && child !== false) node.append(child);
  }
  return node;
}
const el = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes = {}, ...children) =>
  fill(document.createElementNS(SVG_SPACE, tag), attributes, children);
const show = (place, ...children) => {
  place.replaceChildren(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
};

function num(value, digits = 3) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (size > 0 && size < 1e-99) return "< 1e−99";
  if (size >= 1000) return Math.round(value).toLocaleString("en");
  if (size > 0 && size < 0.0005) return value.toExponential(1).replace("e-", "e−").replace(/^-/, "−");
  return String(Number(value.toPrecision(digits))).replace("-", "−");
}
const signed = (value) => (value > 0 ? "+" : "") + num(value, 3);
const percent = (value, digits = 1) =>
  value === null || value === undefined ? "–" : (100 * value).toFixed(digits) + " %";
const plural = (count, word) => count.toLocaleString("en") + " " + word + (count === 1 ? "" : "s");
const clip = (text, length) => (text.length <= length ? text : text.slice(0, Math.max(1, length - 1)).trimEnd() + "…");
const colour = (index) => "var(--c" + (((index % COLOURS) + COLOURS) % COLOURS) + ")";
const mix = (paint, part) => "color-mix(in srgb, " + paint + " " + part + "%, var(--panel))";

function table(caption, heads, rows) {
  return el("table", {},
    caption && el("caption", {}, caption),
    el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))),
    el("tbody", {}, rows.map((row) => el("tr", {}, row.map((cell) => el("td", {}, cell))))));
}

function meter(name, part, text, paint) {
  const width = Math.max(0, Math.min(1, part || 0)) * 100 + "%";
  return el("div", { class: "meter" }, el("span", {}, name),
    el("span", { class: "track", "aria-hidden": "true" },
      el("span", { class: "fill", style: { display: "block", width, background: paint || null } })),
    el("span", { class: "value" }, text));
}
