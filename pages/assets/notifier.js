// Tells on whatever page the visitor is that a run has ended: a note in the corner, and through the
// browser where that is wanted. Loaded by pages/components/notifier.py.

import { bell, show, supported } from "./tell.js";

const POLL = 3000; // milliseconds
const STAYS = 15000;

let cursor = null; // the server's moment up to which ends are known
let timer = null;
let mounted = 0;

export function mount({ parentElement, data }) {
  const root = parentElement.querySelector(".nf-root");
  if (data.switch) drawSwitch(root);
  mounted += 1;
  // Pages come and go; there is one clock for all of them.
  if (timer === null) look();
  return () => { mounted -= 1; };
}

function drawSwitch(root) {
  if (root.childElementCount) return;
  if (!supported()) {
    root.textContent = "This browser knows no notifications.";
    return;
  }
  const button = document.createElement("button");
  button.type = "button";
  button.className = "nf-button";
  const answer = document.createElement("p");
  answer.className = "nf-answer";
  answer.setAttribute("role", "status");
  root.append(button, answer);
  bell(button, answer, { on: "✓ This browser tells you when a run ends", off: "Let this browser tell me" });
}

async function look() {
  timer = 0;
  try {
    const response = await fetch(`/api/ends?after=${cursor ?? ""}`, { cache: "no-store" });
    if (response.ok) {
      const found = await response.json();
      cursor = found.now;
      found.runs.forEach(tell);
    }
  } catch { /* the server is away: what ends meanwhile is told when it is back */ }
  timer = setTimeout(look, POLL);
}

const pageOf = (run) => `/run?run=${run.id}`;

function tell(run) {
  const open = () => location.assign(pageOf(run));
  show(run, open);
  // Its own page shows the end much larger.
  if (!mounted || location.pathname + location.search === pageOf(run)) return;
  const note = document.createElement("div");
  note.className = "nf-note";
  note.setAttribute("role", "status");
  const words = document.createElement("div");
  const name = document.createElement("b");
  name.textContent = run.name;
  const sentence = document.createElement("p");
  sentence.textContent = run.sentence;
  words.append(name, sentence);
  const link = document.createElement("a");
  link.href = pageOf(run);
  link.textContent = "Open";
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = "×";
  close.setAttribute("aria-label", "Close this note");
  close.addEventListener("click", () => note.remove());
  note.append(words, link, close);
  place().append(note);
  setTimeout(() => note.remove(), STAYS);
}

function place() {
  let corner = document.querySelector(".nf-corner");
  if (!corner) {
    corner = document.createElement("div");
    corner.className = "nf-corner";
    (document.querySelector(".stApp") ?? document.body).append(corner); // inside, for its colours
  }
  return corner;
}
