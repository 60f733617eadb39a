// The data: compressed blocks of JSON, opened when they are needed, and the tree made of them.
const opened = new Map();

async function unpack(name) {
  const node = byId("block-" + name);
  const bytes = Uint8Array.from(atob(node.textContent), (letter) => letter.charCodeAt(0));
  node.remove();
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}
function block(name) {
  if (!opened.has(name)) opened.set(name, unpack(name));
  return opened.get(name);
}

const ROOT = 0, CONCEPT = 1, LABEL = 2;

class Model {
  constructor(core) {
    Object.assign(this, core);
    this.nodes = core.tree.nodes;
    const n = this.nodes.name.length;
    this.children = Array.from({ length: n }, () => []);
    this.nodes.parent.forEach((parent, node) => { if (parent >= 0) this.children[parent].push(node); });
    this.above = new Map();
    this.below = new Map();
    const edges = core.tree.edges;
    edges.parent.forEach((parent, at) => {
      const child = edges.child[at];
      const edge = { parent, child, share: edges.share[at], lift: edges.lift[at], frequency: edges.frequency[at] };
      if (!this.above.has(child)) this.above.set(child, []);
      if (!this.below.has(parent)) this.below.set(parent, []);
      this.above.get(child).push(edge);
      this.below.get(parent).push(edge);
    });
    this.total = this.nodes.mass[0] || 1;
    this.paint = new Array(n).fill(7);
    this.children[0].forEach((child, at) => this.spread(child, at));
  }
  spread(node, paint) {
    const todo = [node];
    while (todo.length) {
      const at = todo.pop();
      this.paint[at] = paint;
      todo.push(...this.children[at]);
    }
  }
  bySize(node) {
    const size = this.nodes.size;
    return this.children[node].slice().sort((a, b) => size[b] - size[a]);
  }
  name(node) { return this.nodes.name[node]; }
  isLabel(node) { return this.nodes.kind[node] === LABEL; }
  path(node) {
    const found = [];
    for (let at = node; at >= 0; at = this.nodes.parent[at]) found.unshift(at);
    return found;
  }
  what(node) {
    if (node === 0) return "all labels";
    if (this.isLabel(node)) return "label";
    return "concept of level " + this.nodes.level[node];
  }
}

// What is selected, and who wants to know.
const app = { model: null, focus: 0, picked: 0, label: null, view: "icicle", listeners: {} };
function on(event, listener) {
  (app.listeners[event] = app.listeners[event] || []).push(listener);
}
function tell(event, ...values) {
  for (const listener of app.listeners[event] || []) listener(...values);
}
function pick(node) {
  app.picked = node;
  tell("pick", node);
  if (app.model.isLabel(node) && node !== app.label) {
    app.label = node;
    tell("label", node);
  }
}
function zoom(node) {
  app.focus = app.model.isLabel(node) ? Math.max(0, app.model.nodes.parent[node]) : node;
  tell("zoom", app.focus);
}
const nodeLink = (node) =>
  el("button", { type: "button", class: "link", onclick: () => { zoom(node); pick(node); } }, app.model.name(node));
