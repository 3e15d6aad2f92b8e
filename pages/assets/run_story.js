// What happened in a run, and the end of its log: asks the run's route for what is new, so that no
// script runs again for it. Loaded by pages/components/run_story.py.

const POLL = 2000; // milliseconds
const POLL_HIDDEN = 10000;
const MOST_EVENTS = 40;

const ICONS = {
  queued: "schedule", starting: "hourglass_top", running: "play_circle", stopping: "stop_circle",
  finished: "check_circle", failed: "error", stopped: "stop_circle", lost: "link_off",
  held: "pause_circle", checkpoint_skipped: "warning", early_stop: "flag", warning: "warning",
  card_memory: "developer_board",
};

const instances = new WeakMap();

export function mount({ parentElement, data }) {
  let instance = instances.get(parentElement);
  if (!instance || instance.runId !== data.run) {
    instance?.destroy();
    instance = new RunStory(parentElement.querySelector(".rs-root"), data);
    instances.set(parentElement, instance);
  }
  if (instance.status !== data.status) {
    instance.status = data.status; // the page knows of a change: so does the history by now
    instance.soon(0);
  }
  return () => {
    instance.destroy();
    instances.delete(parentElement);
  };
}

function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

/** The time of day; with the day where it is not today's. */
function clock(seconds) {
  const then = new Date(1000 * seconds);
  const time = then.toLocaleTimeString("en-GB");
  if (then.toDateString() === new Date().toDateString()) return time;
  return `${then.toLocaleDateString("en-GB", { day: "numeric", month: "short" })}, ${time.slice(0, 5)}`;
}

class RunStory {
  constructor(root, data) {
    this.runId = data.run;
    this.status = data.status;
    this.after = 0;
    this.logBytes = "";
    this.count = 0;
    this.list = make("ol", "rs-events");
    this.earlier = make("p", "rs-quiet");
    this.log = make("pre", "rs-log", "Loading …");
    this.log.tabIndex = 0;
    this.log.setAttribute("aria-label", "The end of the log");
    const title = make("h4", "", "Log ");
    title.append(make("span", "rs-quiet", "· the last lines"));
    const happened = make("section", "rs-card"), log = make("section", "rs-card");
    happened.append(make("h4", "", "What happened"), this.list, this.earlier);
    log.append(title, this.log);
    root.replaceChildren(happened, log);
    this.soon(0);
  }

  destroy() {
    this.gone = true;
    clearTimeout(this.timer);
  }

  soon(delay) {
    clearTimeout(this.timer);
    if (!this.gone) this.timer = setTimeout(() => this.poll(), delay);
  }

  async poll() {
    let over = false;
    try {
      const path = `/api/runs/${this.runId}/story?after=${this.after}&log=${this.logBytes}`;
      const response = await fetch(path, { cache: "no-store" });
      if (response.status === 404) return;
      if (!response.ok) throw new Error(String(response.status));
      const found = await response.json();
      if (this.gone) return;
      this.take(found);
      over = found.ended;
    } catch (error) { /* asked again; the live part above says that there is no connection */ }
    if (!over) this.soon(document.hidden ? POLL_HIDDEN : POLL);
  }

  take({ events, log, log_bytes }) {
    for (const event of events) {
      if (event.id <= this.after) continue;
      this.after = event.id;
      this.count += 1;
      this.list.prepend(this.draw(event)); // the newest on top
    }
    while (this.list.childElementCount > MOST_EVENTS) this.list.lastElementChild.remove();
    const hidden = this.count - this.list.childElementCount;
    this.earlier.textContent = hidden > 0 ? `and ${hidden} earlier` : "";
    if (log === null) return;
    this.logBytes = log_bytes;
    const { scrollTop, scrollHeight, clientHeight } = this.log;
    const atEnd = scrollHeight - scrollTop - clientHeight < 30;
    this.log.textContent = log.trim() || "Nothing has been written yet.";
    if (atEnd) this.log.scrollTop = this.log.scrollHeight;
  }

  draw(event) {
    const row = make("li");
    const time = make("time", "rs-quiet", clock(event.time));
    time.dateTime = new Date(1000 * event.time).toISOString();
    const icon = make("span", "rs-icon", ICONS[event.kind] ?? "circle");
    icon.setAttribute("aria-hidden", "true");
    icon.dataset.kind = event.kind;
    const words = event.message || event.kind[0].toUpperCase() + event.kind.slice(1);
    row.append(time, icon, make("span", "", words));
    return row;
  }
}
