"use strict";
(() => {
  // Text from the study is only ever set as textContent: a label is never read as markup.
  const study = JSON.parse(document.getElementById("data").textContent);
  const at = (id) => document.getElementById(id);
  const COLUMNS = ["study", "participant", "condition", "phase", "block", "trial", "item", "example",
    "label", "answer", "model", "correct", "confidence", "seconds"];
  const SHOWN_LEAVES = 12;
  const SHOWN_CONCEPTS = 6;
  const rows = [];
  let participant = "";
  let steps = [];
  let step = -1;
  let asked = 0;
  let started = 0;
  let paused = false;
  let unsaved = false;

  // ---- randomisation: the same seed and participant code give the same conditions and order
  function hash(text) {
    let h = 2166136261;
    for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 16777619);
    h = Math.imul(h ^ (h >>> 16), 2246822507);
    h = Math.imul(h ^ (h >>> 13), 3266489909);
    return (h ^ (h >>> 16)) >>> 0;
  }
  function generator(state) { // mulberry32
    return () => {
      state = (state + 0x6d2b79f5) | 0;
      let t = Math.imul(state ^ (state >>> 15), 1 | state);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
  }
  function shuffled(list, random) {
    const mixed = list.slice();
    for (let i = mixed.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [mixed[i], mixed[j]] = [mixed[j], mixed[i]];
    }
    return mixed;
  }
  // codes that end in a number (7, P07) are balanced exactly, others by chance
  function numberOf(code) {
    const digits = /(\d{1,9})$/.exec(code);
    return digits ? Number(digits[1]) : hash(code + "|number");
  }
  function plan(code) {
    const random = generator(hash(study.seed + "|" + code));
    const n = study.conditions.length;
    const number = numberOf(code);
    const blocks = [];
    if (study.design === "between") {
      blocks.push({ condition: study.conditions[number % n], items: study.items });
    } else {
      for (let set = 0; set < n; set++) {
        blocks.push({
          condition: study.conditions[(set + number) % n],
          items: study.items.filter((item) => item.set === set),
        });
      }
      const turn = Math.floor(number / n) % n;
      blocks.push(...blocks.splice(0, turn));
    }
    const planned = [];
    const each = study.practice.length / n;
    blocks.forEach((block, b) => {
      planned.push({ kind: "notice", block: b, condition: block.condition, of: blocks.length });
      for (const item of study.practice.slice(b * each, (b + 1) * each)) {
        planned.push({ kind: "question", phase: "practice", block: b, condition: block.condition, item });
      }
      planned.push({ kind: "begin", block: b, condition: block.condition });
      for (const item of shuffled(block.items, random)) {
        planned.push({ kind: "question", phase: "test", block: b, condition: block.condition, item });
      }
    });
    return planned;
  }

  // ---- drawing
  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }
  function show(id) {
    for (const section of document.querySelectorAll("main > section")) section.hidden = section.id !== id;
    window.scrollTo(0, 0);
    at(id).querySelector("h1").focus({ preventScroll: true });
  }
  function chips(labels, className) {
    const list = element("ul", "chips");
    for (const j of labels) {
      const entry = element("li");
      entry.append(element("span", "chip " + className, study.labels[j]));
      list.append(entry);
    }
    return list;
  }
  function drawExample(item) {
    const box = at("example");
    const example = study.examples[item.example];
    box.replaceChildren();
    if (example.image) {
      const frame = element("p", "picture");
      const image = element("img");
      image.src = example.image;
      image.alt = "The example";
      frame.append(image);
      box.append(frame);
    }
    if (example.text) {
      box.append(element("p", "what", study.textTitle), element("p", "words", example.text));
    }
    box.append(element("p", "what", item.revealed.length === 1
      ? "One of the labels that the model chose" : "Some of the labels that the model chose"));
    box.append(chips(item.revealed, "revealed"));
  }
  // a concept is {n: name, k: children}, a label its number
  function labelsBelow(node) {
    return typeof node === "number" ? [node] : node.k.flatMap(labelsBelow);
  }
  function leaf(j, item) {
    const kind = j === item.label ? " asked" : item.revealed.includes(j) ? " revealed" : "";
    const chip = element("span", "chip" + kind, study.labels[j]);
    if (kind === " asked") chip.append(hidden(" (asked about)"));
    if (kind === " revealed") chip.append(hidden(" (chosen by the model)"));
    return chip;
  }
  function hidden(text) {
    return element("span", "for-ears", text);
  }
  function count(n, noun) {
    return `${n} ${noun}${n === 1 ? "" : "s"}`;
  }
  function leaves(labels, item) {
    const box = element("li", "leaves");
    for (const j of labels) box.append(leaf(j, item));
    return box;
  }
  function more(text, content) {
    const entry = element("li");
    const rest = element("details", "more");
    const list = element("ul");
    rest.append(element("summary", "", text), list);
    rest.addEventListener("toggle", () => { if (!list.childNodes.length) list.append(...content()); });
    entry.append(rest);
    return entry;
  }
  function concept(node, item, matters) {
    const entry = element("li");
    const box = element("details");
    const below = labelsBelow(node);
    const summary = element("summary");
    summary.append(element("span", "", node.n), " ", element("span", "size", count(below.length, "label")));
    box.append(summary);
    const list = element("ul");
    const fill = () => { if (!list.childNodes.length) list.append(...branch(node, item, matters)); };
    box.append(list);
    if (below.some((j) => matters.has(j))) {
      box.open = true;
      fill();
    }
    box.addEventListener("toggle", fill);
    entry.append(box);
    return entry;
  }
  function branch(node, item, matters) {
    const concerns = (child) => labelsBelow(child).some((j) => matters.has(j));
    const split = (children, room) => {
      const free = Math.max(room - children.filter(concerns).length, 0);
      let taken = 0;
      const kept = children.filter((child) => concerns(child) || taken++ < free);
      return [kept, children.filter((child) => !kept.includes(child))];
    };
    const drawn = [];
    const [concepts, otherConcepts] = split(node.k.filter((k) => typeof k !== "number"), SHOWN_CONCEPTS);
    const [labels, otherLabels] = split(node.k.filter((k) => typeof k === "number"), SHOWN_LEAVES);
    if (labels.length) drawn.push(leaves(labels, item));
    if (otherLabels.length) {
      drawn.push(more(count(otherLabels.length, "more label"), () => [leaves(otherLabels, item)]));
    }
    for (const child of concepts) drawn.push(concept(child, item, matters));
    if (otherConcepts.length) {
      drawn.push(more(count(otherConcepts.length, "more group"),
        () => otherConcepts.map((child) => concept(child, item, matters))));
    }
    return drawn;
  }
  function drawTree(condition, item) {
    const tree = study.trees[condition];
    at("tree-panel").hidden = !tree;
    at("columns").classList.toggle("with-tree", Boolean(tree));
    at("tree").replaceChildren();
    if (!tree) return;
    const list = element("ul");
    list.append(...branch(tree, item, new Set([item.label, ...item.revealed])));
    at("tree").append(list);
    at("tree").scrollTop = 0;
  }

  // ---- the course of the study
  function total() { return steps.filter((s) => s.kind === "question").length; }
  function progress() {
    at("progress").hidden = false;
    at("title").hidden = false;
    at("bar").max = total();
    at("bar").value = asked;
    at("progress-text").textContent = `${asked} of ${total()} answered`;
  }
  function next() {
    step += 1;
    progress();
    const now = steps[step];
    if (!now) return finish();
    if (now.kind === "question") return askQuestion(now);
    const tree = Boolean(study.trees[now.condition]);
    const text = at("notice-text");
    text.replaceChildren();
    if (now.kind === "notice") {
      at("notice-title").textContent = now.of > 1 ? `Part ${now.block + 1} of ${now.of}` : "How it works";
      for (const line of study.notices[tree ? "tree" : "none"]) text.append(element("p", "", line));
      if (study.practice.length) {
        text.append(element("p", "", "It begins with practice: after each answer you will be told what the model chose."));
      }
    } else {
      at("notice-title").textContent = "Now without the answers";
      text.append(element("p", "", "The practice is over. From here on you will not be told whether you are right."));
      if (!study.practice.length) return next();
    }
    show("notice");
    at("notice-next").focus();
  }
  function askQuestion(now) {
    const { item } = now;
    paused = false;
    at("answer").reset();
    at("answer").hidden = false;
    at("feedback").hidden = true;
    at("answer-error").textContent = "";
    setDisabled(false);
    at("actions").hidden = false;
    at("question-title").textContent = now.phase === "practice" ? "Practice" : "Example";
    drawExample(item);
    drawTree(now.condition, item);
    at("asked").replaceChildren("Did the model also choose ", element("span", "chip asked", study.labels[item.label]), "?");
    show("question");
    started = performance.now();
  }
  function setDisabled(off) {
    for (const part of at("answer").elements) part.disabled = off;
  }
  function record(answer, confidence) {
    const now = steps[step];
    const { item } = now;
    const model = item.answer ? "yes" : "no";
    asked += 1;
    unsaved = true;
    rows.push([study.study, participant, now.condition, now.phase, now.block + 1, asked, item.id,
      study.examples[item.example].name, study.labels[item.label], answer, model,
      answer === model ? 1 : 0, confidence, ((performance.now() - started) / 1000).toFixed(2)]);
    if (now.phase === "practice") tell(answer === model, item);
    else next();
  }
  function tell(right, item) {
    paused = true;
    setDisabled(true);
    at("actions").hidden = true;
    progress();
    const box = at("feedback");
    box.hidden = false;
    box.className = "feedback " + (right ? "right" : "wrong");
    at("feedback-text").textContent = `${right ? "Right" : "Not so"}: the model ${item.answer ? "chose" : "did not choose"} “${study.labels[item.label]}”.`;
    at("feedback-labels").replaceChildren(element("p", "what", "All labels that it chose for this example"),
      chips(study.examples[item.example].decisions, ""));
    at("feedback-next").focus({ preventScroll: true });
    box.scrollIntoView({ block: "nearest" });
  }
  function quoted(value) {
    const text = String(value);
    return /[",\r\n]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
  }
  function table() {
    return [COLUMNS, ...rows].map((row) => row.map(quoted).join(",")).join("\r\n") + "\r\n";
  }
  function finish() {
    at("csv").value = table();
    show("end");
    at("save").focus();
  }
  function save() {
    const link = element("a");
    const safe = participant.replace(/[^A-Za-z0-9_-]+/g, "_");
    link.href = URL.createObjectURL(new Blob([table()], { type: "text/csv;charset=utf-8" }));
    link.download = `study-${study.study}-${safe}.csv`;
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    unsaved = false;
    at("saved").textContent = `${rows.length} answers were saved as ${link.download}. You may close this page.`;
  }

  // ---- events
  at("consent").addEventListener("submit", (event) => {
    event.preventDefault();
    const code = at("participant").value.trim();
    at("participant-error").textContent = code ? "" : "Enter your participant code.";
    at("agree-error").textContent = at("agree").checked ? "" : "Tick the box to take part.";
    at("participant").setAttribute("aria-invalid", String(!code));
    if (!code) return at("participant").focus();
    if (!at("agree").checked) return at("agree").focus();
    participant = code;
    steps = plan(code);
    next();
  });
  at("notice-next").addEventListener("click", next);
  at("feedback-next").addEventListener("click", next);
  at("save").addEventListener("click", save);
  at("answer").noValidate = true;
  at("answer").addEventListener("submit", (event) => {
    event.preventDefault();
    if (paused) return;
    const given = new FormData(at("answer"));
    const missing = !given.get("answer") ? "Choose Yes or No." : !given.get("confidence") ? "Say how sure you are." : "";
    at("answer-error").textContent = missing;
    if (!missing) record(given.get("answer"), Number(given.get("confidence")));
  });
  document.addEventListener("keydown", (event) => {
    if (at("question").hidden || paused || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.toLowerCase();
    const wanted = { y: ["answer", "yes"], n: ["answer", "no"] }[key] || (/^[1-9]$/.test(key) ? ["confidence", key] : null);
    if (wanted) {
      const choice = at("answer").querySelector(`input[name="${wanted[0]}"][value="${wanted[1]}"]`);
      if (!choice) return;
      choice.checked = true;
      choice.focus({ preventScroll: true });
      event.preventDefault();
    } else if (event.key === "Enter" && document.activeElement === at("question-title")) {
      event.preventDefault();
      at("answer").requestSubmit();
    }
  });
  window.addEventListener("beforeunload", (event) => { if (unsaved) event.preventDefault(); });
  const code = new URLSearchParams(location.search).get("participant");
  if (code) at("participant").value = code.slice(0, 40);
})();
