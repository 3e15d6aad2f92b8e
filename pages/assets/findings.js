// What the curves of a run show, in sentences with a button each, and as marks for its chart.
// Used by live_run.js.

const HOPEFUL = new Set(["unfinished", "plateau"]); // nothing is wrong: it could go on, or end
const ICONS = {
  "memorising": "psychology", "not-learning": "casino", "rate-too-high": "show_chart",
  "not-a-number": "error", "one-class": "filter_1", "plateau": "horizontal_rule",
  "unfinished": "trending_down", "slow-data": "hourglass_empty", "small-validation": "rule",
};
const TOP = 0.82, LOWER = 0.11; // where the names stand: below "best, kept", one below another
const MOST_NAMES = 5;

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

export class Findings {
  /** press: called with a finding's kind when its button is pressed. */
  constructor(press) {
    this.press = press;
    this.found = [];
    this.told = "";
    this.box = make("section", "lr-found");
    this.box.hidden = true;
    this.box.setAttribute("role", "status");
    this.box.setAttribute("aria-label", "What the curves show");
    this.list = make("ul");
    this.box.append(this.list);
  }

  /** Draw what was found where it has changed; tells whether it has. */
  show(found) {
    const told = JSON.stringify(found);
    if (told === this.told) return false;
    this.told = told;
    this.found = found;
    this.box.hidden = found.length === 0;
    this.list.replaceChildren(...found.map((one) => this.row(one)));
    return true;
  }

  row(one) {
    const row = make("li", HOPEFUL.has(one.kind) ? "lr-hope" : "");
    row.dataset.kind = one.kind;
    const icon = make("span", "lr-found-icon", ICONS[one.kind] ?? "info");
    icon.setAttribute("aria-hidden", "true");
    const words = make("p", "", `${one.sentence} `);
    words.append(make("span", "lr-hint", `step ${whole.format(one.step)}`));
    row.append(icon, words);
    if (one.label) {
      const button = make("button", "lr-button", one.label);
      button.type = "button";
      button.title = one.help;
      button.addEventListener("click", () => this.press(one.kind));
      row.append(button);
    }
    return row;
  }

  /** One line per finding at its step, named where it lies in the range that is shown. */
  marks([first, last]) {
    return this.found.filter(({ step }) => step >= first && step <= last).map((one, place) => ({
      step: one.step, dash: "solid", warns: !HOPEFUL.has(one.kind),
      text: place < MOST_NAMES ? one.title : "", y: TOP - LOWER * place,
    }));
  }
}
