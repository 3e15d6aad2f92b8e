// Draws one run's page part that lives: tiles, progress bar and charts. It polls the run's route,
// so nothing here reruns a Python script. Loaded by pages/components/live_run.py.

import { Curve, pick, smooth, thin } from "./curves.js";
import { Findings } from "./findings.js";
import { bell, supported } from "./tell.js";
import { loadPlotly } from "./plotly_loader.js";

const POLL_ACTIVE = 500; // milliseconds
const POLL_HIDDEN = 5000;
// Drawing costs the processor that trains, where both are one computer: a chart takes some 10 ms.
const CALM = 2000; // milliseconds between two drawings of a small chart
const NEAR = "200px"; // so far outside the window, a chart is drawn nevertheless
const SPARSE = 60; // a curve with fewer points is shown as it is, never smoothed
const BETWEEN = new Set(["queued", "starting", "stopping"]); // the server has a sentence for these
const ENDED = new Set(["finished", "failed", "stopped", "lost"]);

const SMOOTHED = 7; // smoothed as in a run at most this many times as long as what is shown
const NAMED_APART = 0.12; // marks nearer to each other than this share of the chart share one name

const LOSS = [
  { id: "loss", title: "Loss", hint: "how wrong it is: lower is better", size: "large", log: true,
    curves: [["train/loss", "Training", 0], ["val/loss", "Validation", 1]] },
];

const MACHINE = [
  { id: "rate", title: "Learning rate", size: "small", curves: [["lr", "Learning rate", 2]] },
  { id: "speed", title: "Speed", unit: "examples per second", size: "small",
    curves: [["samples_per_second", "Examples per second", 4]] },
  { id: "memory", title: "Memory", unit: "MB", size: "small", steps: true,
    curves: [["system/memory_mb", "Memory", 5], ["system/gpu_memory_mb", "Graphics memory", 3]] },
  { id: "load", title: "Load", unit: "%", size: "small", steps: true,
    curves: [["system/cpu_percent", "Processor", 6], ["system/gpu_percent", "Graphics card", 3]] },
];

/** One chart per score that the task follows live. */
const scoreCharts = (metrics) => metrics.filter((metric) => metric.live).map((metric) => ({
  id: metric.name, title: metric.title, size: "large", percent: metric.percent,
  hint: metric.higher_is_better ? "higher is better" : "lower is better",
  rising: metric.higher_is_better,
  curves: [[`train/${metric.name}`, "Training", 0], [`val/${metric.name}`, "Validation", 1]],
}));

const TILES = [
  ["step", "Step", "One step is one small correction after looking at one batch of examples."],
  ["train", "Training loss", "How wrong the model is on what it learns from. It should fall."],
  ["val", "Validation loss", "How wrong it is on examples kept aside. It should fall too."],
  ["score", "Score", "Measured on examples kept aside."],
  ["speed", "Speed", "Examples per second."],
  ["memory", "Memory", "What the training uses now."],
  ["time", "Time left", "An estimate from the speed so far."],
];


const instances = new WeakMap();
let plotly = null;

export function mount(component) {
  const { parentElement, data } = component;
  let instance = instances.get(parentElement);
  if (!instance || instance.runId !== data.run) {
    instance?.destroy();
    instance = new LiveRun(parentElement.querySelector(".lr-root"), data);
    instances.set(parentElement, instance);
  }
  instance.update(component);
  return () => {
    instance.destroy();
    instances.delete(parentElement);
  };
}

// ---------------------------------------------------------------------------------- numbers

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);
const loss = (value) => (isNumber(value) ? value.toPrecision(value < 0.001 ? 2 : 3) : "–");
const percent = (value) => (isNumber(value) ? `${(100 * value).toFixed(1)} %` : "–");

function duration(seconds) {
  if (!isNumber(seconds)) return "–";
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")} min`;
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
}

function megabytes(value) {
  if (!isNumber(value)) return "–";
  return value >= 1024 ? `${(value / 1024).toFixed(1)} GB` : `${whole.format(value)} MB`;
}

// --------------------------------------------------------------------------------- elements

function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

// ---------------------------------------------------------------------------------- the run

class LiveRun {
  constructor(root, data) {
    this.root = root;
    this.runId = data.run;
    this.metrics = data.metrics;
    this.specs = [...LOSS, ...scoreCharts(data.metrics), ...MACHINE];
    this.cursor = 0;
    this.run = {};
    this.curves = new Map();
    this.detail = null; // points of a zoomed stretch: {first, last, curves}
    this.range = null; // the steps that are zoomed in on, the same in all charts
    this.smoothing = 0.6;
    this.logScale = false;
    this.failures = 0;
    this.finished = false; // nothing more will come
    this.told = data.status;
    this.build();
    this.onVisible = () => { if (!document.hidden) this.soon(0); };
    document.addEventListener("visibilitychange", this.onVisible);
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(root);
    this.scrolling = new IntersectionObserver((seen) => this.scroll(seen), { rootMargin: NEAR });
    for (const chart of this.charts) this.scrolling.observe(chart.box);
    loadPlotly().catch(() => {}); // its 4.8 MB come while the first points are on their way
    this.soon(0);
  }

  /** Python ran again, or the theme changed. */
  update(component) {
    this.trigger = component.setTriggerValue;
    this.told = component.data.status;
    const colours = getComputedStyle(this.root).getPropertyValue("--st-background-color");
    if (this.colours !== undefined && this.colours !== colours) this.drawSoon();
    this.colours = colours;
    if (!ENDED.has(this.told) && this.finished) { this.finished = false; this.soon(0); }
  }

  destroy() {
    this.gone = true;
    clearTimeout(this.timer);
    document.removeEventListener("visibilitychange", this.onVisible);
    this.observer.disconnect();
    this.scrolling.disconnect();
    for (const chart of this.charts) if (chart.drawn) plotly?.purge(chart.plot);
  }

  // ------------------------------------------------------------------------------- building

  build() {
    this.root.replaceChildren();
    this.tiles = {};
    const tiles = make("dl", "lr-tiles");
    for (const [id, title, help] of TILES) {
      const tile = make("div", "lr-tile");
      tile.title = help;
      const value = make("dd", "lr-value", "–");
      const note = make("dd", "lr-note", "\u00a0");
      tile.append(make("dt", "", title), value, note);
      tiles.append(tile);
      this.tiles[id] = { value, note };
    }
    this.bar = make("div", "lr-bar");
    this.bar.setAttribute("role", "progressbar");
    this.bar.setAttribute("aria-label", "Progress of the training");
    this.bar.setAttribute("aria-valuemin", "0");
    this.bar.setAttribute("aria-valuemax", "100");
    this.fill = make("div", "lr-fill");
    this.bar.append(this.fill);
    this.words = make("p", "lr-words", "Loading …");
    this.words.setAttribute("role", "status");
    const progress = make("div", "lr-progress");
    progress.append(this.bar, this.words);
    const charts = make("div", "lr-charts");
    if (this.metrics[0]) this.nameScore(this.metrics[0]);
    this.charts = this.specs.map((spec) => this.buildChart(spec, charts));
    this.findings = new Findings((kind) => this.trigger?.("finding", kind));
    this.root.append(tiles, progress, this.findings.box, this.buildControls(), charts);
  }

  buildControls() {
    const controls = make("div", "lr-controls");
    const smoothing = make("label", "lr-control");
    const slider = make("input");
    Object.assign(slider, { type: "range", min: 0, max: 0.98, step: 0.02, value: this.smoothing });
    const shown = make("output", "", this.smoothing.toFixed(2));
    slider.addEventListener("input", () => {
      this.smoothing = Number(slider.value);
      shown.textContent = this.smoothing.toFixed(2);
      this.drawSoon();
    });
    smoothing.append(make("span", "", "Smooth the noise"), slider, shown);
    const scale = make("label", "lr-control");
    const box = make("input");
    box.type = "checkbox";
    box.addEventListener("change", () => { this.logScale = box.checked; this.drawSoon(); });
    scale.append(box, make("span", "", "Logarithmic loss"));
    this.hint = make("span", "lr-hint", "Drag over a chart to zoom in, double-click to go back.");
    this.back = make("button", "lr-button", "Show all");
    this.back.type = "button";
    this.back.hidden = true;
    this.back.addEventListener("click", () => this.zoom(null));
    this.bell = make("button", "lr-button");
    this.bell.type = "button";
    this.bell.hidden = true;
    this.answer = make("p", "lr-answer");
    this.answer.setAttribute("role", "status");
    bell(this.bell, this.answer, { on: "✓ Tells you when it ends", off: "Tell me when it ends" });
    controls.append(this.hint, this.back, smoothing, scale, this.bell, this.answer);
    return controls;
  }

  buildChart(spec, parent) {
    const box = make("section", `lr-chart lr-${spec.size} lr-${spec.id}`);
    const head = make("div", "lr-head");
    head.append(make("h4", "", spec.title));
    const note = make("span", "lr-hint", spec.hint ?? spec.unit ?? "");
    head.append(note);
    const legend = make("div", "lr-legend");
    const plot = make("div", "lr-plot");
    plot.setAttribute("role", "img");
    const empty = make("p", "lr-empty", "Loading …");
    const body = make("div", "lr-body");
    body.append(plot, empty);
    box.append(head, legend, body);
    parent.append(box);
    return { spec, box, plot, empty, legend, hidden: new Set(), keys: new Map(), drawn: false,
      grown: false, near: true, drawnAt: 0 };
  }

  // -------------------------------------------------------------------------------- polling

  soon(delay) {
    clearTimeout(this.timer);
    if (!this.gone) this.timer = setTimeout(() => this.poll(), delay);
  }

  async poll() {
    if (this.polling) return;
    this.polling = true;
    try {
      const path = `/api/runs/${this.runId}/live?after=${this.cursor}`;
      const response = await fetch(path, { cache: "no-store" });
      if (response.status === 404) { this.say("This run was deleted."); this.finished = true; return; }
      if (!response.ok) throw new Error(String(response.status));
      this.take(await response.json());
      this.failures = 0;
    } catch (error) {
      this.failures += 1;
      if (this.failures > 2) this.say("No connection to Trainroom. Training goes on; trying again …");
    } finally {
      this.polling = false;
      if (!this.finished && !this.gone) {
        this.soon(document.hidden ? POLL_HIDDEN : POLL_ACTIVE * Math.min(8, 1 + this.failures));
      }
    }
  }

  take(payload) {
    if (this.gone) return;
    const run = payload.run;
    if (this.run.attempt !== undefined && run.attempt !== this.run.attempt && this.cursor) {
      // A later attempt may have gone back some steps: read the curves afresh.
      this.curves.clear();
      this.cursor = 0;
      this.run = run;
      this.soon(0);
      return;
    }
    this.run = run;
    this.cursor = payload.after;
    for (const [name, points] of Object.entries(payload.series)) {
      if (!this.curves.has(name)) {
        this.curves.set(name, new Curve());
        this.drawAll = true; // the first evaluation tells which charts make sense
      }
      this.curves.get(name).push(points.steps, points.values);
      if (points.steps.length) this.grow(name);
    }
    if (payload.thinned) this.thinned = true;
    this.drawTiles();
    const told = this.findings.show(run.findings ?? []);
    if (ENDED.has(run.status)) this.finished = true;
    const grown = this.charts.some((chart) => chart.grown);
    const changed = told || this.finished;
    if (grown || (changed && this.anyDrawn)) this.drawSoon({ all: changed });
    else if (!this.anyDrawn) this.drawEmpty();
    this.bell.hidden = !supported() || ENDED.has(run.status);
    this.drawTitle();
    if (run.status !== this.told) {
      this.told = run.status;
      this.trigger?.("status", run.status);
    }
  }

  /** The tab says how far it is; another page, whose title this is by then, is left alone. */
  drawTitle() {
    if (!location.pathname.endsWith("/run")) return;
    const run = this.run, share = run.total_steps ? run.step / run.total_steps : 0;
    const begin = run.status === "running" && share ? `${Math.round(100 * share)} % · ` : "";
    const title = `${begin}${run.name.slice(0, 60)} · Trainroom`;
    if (document.title !== title) document.title = title;
  }

  // -------------------------------------------------------------------------------- drawing

  say(words) { if (this.words.textContent !== words) this.words.textContent = words; }

  tile(id, value, note = "\u00a0") {
    const tile = this.tiles[id];
    if (tile.value.textContent !== value) tile.value.textContent = value;
    if (tile.note.textContent !== note) tile.note.textContent = note;
  }

  drawTiles() {
    const run = this.run, metrics = run.metrics ?? {};
    const ended = ENDED.has(run.status);
    const last = (name) => this.curves.get(name)?.last ?? metrics[name];
    this.tile("step", run.total_steps ? whole.format(run.step) : "–",
      run.total_steps ? `of ${whole.format(run.total_steps)}` : undefined);
    this.tile("train", loss(last("train/loss")), this.trend("train/loss"));
    this.tile("val", loss(last("val/loss")), this.trend("val/loss"));
    const score = this.headline(metrics, last), write = score?.percent ? percent : loss;
    const test = score && metrics[`test/${score.name}`], aside = score && last(`val/${score.name}`);
    if (score) this.nameScore(score);
    this.tile("score", write(test ?? aside),
      isNumber(test) ? "on test data" : isNumber(aside) ? "so far" : undefined);
    const speed = last("samples_per_second");
    this.tile("speed", isNumber(speed) ? compact.format(speed) : "–", "examples / s");
    const gpu = last("system/gpu_memory_mb");
    this.tile("memory", megabytes(gpu || last("system/memory_mb")), gpu ? "graphics card" : "of the computer");
    this.tiles.time.value.previousSibling.textContent = ended ? "Took" : "Time left";
    this.tile("time", duration(ended ? run.seconds : run.time_left),
      ended || !isNumber(run.seconds) ? undefined : `${duration(run.seconds)} so far`);
    const share = run.total_steps ? Math.min(1, run.step / run.total_steps) : 0;
    this.fill.style.transform = `scaleX(${run.status === "finished" ? 1 : share})`;
    this.bar.setAttribute("aria-valuenow", String(Math.round(100 * share)));
    this.bar.dataset.status = run.status;
    this.say(this.progressWords(share));
  }

  /** The task's first metric that was measured: some make no sense for some data. */
  headline(metrics, last) {
    const known = (metric) => isNumber(metrics[`test/${metric.name}`] ?? last(`val/${metric.name}`));
    return this.metrics.find(known) ?? this.metrics[0];
  }

  nameScore(score) {
    const tile = this.tiles.score.value;
    if (tile.previousSibling.textContent === score.title) return;
    tile.previousSibling.textContent = score.title;
    tile.parentElement.title = `${score.help} Measured on examples kept aside.`;
  }

  progressWords(share) {
    const run = this.run;
    // What a queued run waits for stands above, beside the buttons that change it.
    if (run.status === "queued") return share ? `Goes on from ${Math.round(100 * share)} %` : "Not started yet";
    if (run.unresponsive || BETWEEN.has(run.status)) return run.sentence;
    const epoch = run.epochs
      ? ` · epoch ${Math.min(run.epochs, Math.floor(run.epoch ?? 0) + 1)} of ${run.epochs}` : "";
    if (run.status === "finished") return "All steps done.";
    const done = `${Math.round(100 * share)} % done`;
    return ENDED.has(run.status) ? `Ended with ${done}` : done + epoch;
  }

  /** Whether a curve fell or rose over its last tenth, in words. */
  trend(name) {
    const curve = this.curves.get(name);
    const n = curve?.values.length ?? 0;
    if (n < 3) return undefined;
    const size = Math.max(1, Math.floor(n / 10));
    const mean = (from, to) => {
      const part = curve.values.slice(from, to).filter(Number.isFinite);
      return part.reduce((sum, value) => sum + value, 0) / part.length;
    };
    const change = mean(n - size, n) - mean(n - 2 * size, n - size);
    if (!Number.isFinite(change) || Math.abs(change) < 0.002 * Math.abs(curve.last)) return "steady";
    return change < 0 ? "↓ falling" : "↑ rising";
  }

  drawEmpty() {
    const status = this.run.status;
    for (const chart of this.charts) {
      chart.box.hidden = chart.spec.id === "load" || (chart.spec.size === "small" && ENDED.has(status));
      const words = this.curves.size ? "Loading …" : ENDED.has(status) ? "No step was taken."
        : BETWEEN.has(status) && status !== "queued" ? this.run.sentence : "The curve begins with the first step.";
      chart.empty.textContent = chart.spec.size === "large" ? words : "–";
    }
  }

  /** Some of the charts that show this curve have to be drawn anew. */
  grow(name) {
    for (const chart of this.charts) {
      chart.grown = chart.grown || chart.spec.curves.some(([known]) => known === name);
    }
  }

  /** What was scrolled out of the window was left as it was: draw it when it comes back. */
  scroll(seen) {
    for (const { target, isIntersecting } of seen) {
      this.charts.find(({ box }) => box === target).near = isIntersecting;
    }
    if (this.anyDrawn) this.drawSoon({ all: false });
  }

  /** Whether new points are to be drawn now; a chart that was never drawn has no place yet. */
  isDue({ spec, box, grown, near, drawn, drawnAt }) {
    if (!grown || !drawn) return grown;
    return (near || box.hidden) && (spec.size === "large" || performance.now() - drawnAt > CALM);
  }

  /** In the next frame; all: also what shows no new points, since its looks have changed. */
  drawSoon({ all = true } = {}) {
    this.drawAll = this.drawAll || all;
    if (this.frame || this.gone) return;
    this.frame = requestAnimationFrame(async () => {
      plotly = plotly ?? (await loadPlotly());
      this.frame = null;
      if (this.gone) return;
      const style = getComputedStyle(this.root);
      const look = {
        text: style.getPropertyValue("--st-text-color").trim(),
        quiet: style.getPropertyValue("--st-gray-text-color").trim(),
        line: style.getPropertyValue("--st-border-color").trim(),
        card: getComputedStyle(this.root.querySelector(".lr-tile")).backgroundColor,
        warning: style.getPropertyValue("--st-orange-text-color").trim() || "#b45309",
        font: style.getPropertyValue("--st-font").trim(),
        palette: style.getPropertyValue("--st-chart-categorical-colors").split(",").map((c) => c.trim()),
      };
      for (const chart of this.charts) {
        if (!this.drawAll && this.anyDrawn && !this.isDue(chart)) continue;
        this.drawChart(chart, look);
        Object.assign(chart, { grown: false, drawnAt: performance.now() });
      }
      this.drawAll = false;
      this.anyDrawn = true;
    });
  }

  drawChart(chart, look) {
    const { spec, plot } = chart;
    const known = spec.curves.filter(([name]) => this.curves.get(name)?.values.some(isNumber));
    // A score that the first evaluation left out makes no sense for this data.
    const late = this.curves.get("val/loss")?.values.some(isNumber) || ENDED.has(this.run.status);
    chart.box.hidden = known.length === 0 && (spec.size === "small" || late);
    chart.empty.hidden = known.length > 0;
    plot.style.visibility = known.length ? "visible" : "hidden";
    if (known.length === 0) return;
    const traces = known.flatMap((curve) => this.traces(chart, curve, look));
    plotly.react(plot, traces, this.layout(chart, look), {
      displayModeBar: false, responsive: false, doubleClick: false, scrollZoom: false, showTips: false,
    });
    if (!chart.drawn) {
      chart.drawn = true;
      plot.on("plotly_relayout", (change) => this.onRelayout(change));
      plot.on("plotly_doubleclick", () => this.zoom(null));
    }
    this.drawLegend(chart, known, look);
    plot.setAttribute("aria-label", this.describe(spec, known));
  }

  /** One curve as one or two lines: what was measured, and its smoothed course above it. */
  traces(chart, [name, title, colourIndex], look) {
    const colour = look.palette[colourIndex % look.palette.length];
    const whole_ = this.curves.get(name);
    const inside = this.detail?.curves.get(name);
    const curve = inside && inside.steps.length > 1 && this.zoomedInto(this.detail) ? inside : whole_;
    const [first, last] = this.range ?? [-Infinity, Infinity];
    const sparse = whole_.steps.length < SPARSE || name.startsWith("val/");
    const smoothed = this.smoothing > 0 && !sparse && chart.spec.size === "large";
    const indices = thin(curve.steps, curve.values, first, last);
    const visible = !chart.hidden.has(name);
    const format = chart.spec.percent ? ".1%" : ".4~g";
    const base = {
      x: pick(curve.steps, indices), type: "scatter", visible, showlegend: false,
      hovertemplate: `%{y:${format}}<extra>${title}</extra>`,
    };
    const lines = [{
      ...base, y: pick(curve.values, indices),
      mode: sparse ? "lines+markers" : "lines", cliponaxis: !sparse,
      marker: { size: whole_.steps.length > 30 ? 4 : 6, color: colour },
      line: { color: colour, width: smoothed ? 1 : 2 },
      opacity: smoothed ? 0.28 : 1,
      ...(smoothed ? { hoverinfo: "skip", hovertemplate: undefined } : {}),
    }];
    if (smoothed) {
      // Else the beginning of a long run, or what is zoomed into, would be a single mean.
      const shown = this.range ? this.range[1] - this.range[0] : this.lastStep();
      const length = Math.min(this.run.total_steps || 1, SMOOTHED * shown);
      const course = smooth(curve.steps, curve.values, this.smoothing, length);
      lines.push({
        ...base, y: pick(course, indices), mode: "lines", line: { color: colour, width: 2.2 },
      });
    }
    return lines;
  }

  zoomedInto(detail) {
    return this.range && this.range[0] >= detail.first && this.range[1] <= detail.last;
  }

  layout({ spec, plot }, look) {
    const best = this.run.best_step;
    const large = spec.size === "large";
    const touch = matchMedia("(pointer: coarse)").matches;
    const range = this.range ?? [0, 1.01 * Math.max(1, this.lastStep())];
    const marks = this.continued(range, large, spec.rising);
    if (spec.id === "loss" && isNumber(best) && best > 0) {
      marks.push({ step: best, dash: "dot", text: "best, kept", y: 1 });
    }
    if (spec.id === "loss") marks.push(...this.findings.marks(range));
    const axis = { gridcolor: look.line, zerolinecolor: look.line, linecolor: look.line, automargin: true };
    return {
      height: plot.clientHeight, width: plot.clientWidth || undefined,
      margin: { l: 8, r: 12, t: 8, b: 8 }, showlegend: false, uirevision: "same",
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: look.font, size: 11, color: look.quiet },
      hovermode: "x unified", dragmode: touch ? false : "zoom",
      hoverlabel: { bgcolor: look.card, bordercolor: look.line, font: { color: look.text, family: look.font } },
      xaxis: {
        ...axis, range: [...range], tickformat: ",~d", showgrid: false, nticks: spec.size === "large" ? 8 : 4,
        title: spec.size === "large" ? { text: "step", standoff: 4 } : undefined, hoverformat: ",d", unifiedhovertitle: { text: "Step %{x:,d}" }, showspikes: false,
      },
      yaxis: {
        ...axis, fixedrange: true, nticks: 6, type: spec.log && this.logScale ? "log" : "linear",
        tickformat: spec.percent ? ".0%" : "~s", exponentformat: "power",
        ...(spec.percent || (spec.log && !this.logScale) || spec.size === "small"
          ? { rangemode: spec.size === "small" ? "tozero" : "normal" } : {}),
        ...(spec.log ? { tickformat: "~g" } : {}), ...(spec.id === "rate" ? { tickformat: "~g" } : {}),
      },
      shapes: marks.map(({ step, dash, warns }) => ({
        type: "line", x0: step, x1: step, yref: "paper", y0: 0, y1: 1,
        line: { color: warns ? look.warning : look.quiet, width: warns ? 1.5 : 1, dash },
      })),
      annotations: marks.filter(({ text }) => text).map(({ step, text, y, warns }) => ({
        x: step, y, yref: "paper", yanchor: "top", text, showarrow: false,
        xanchor: step > 0.7 * range[1] ? "right" : "left", xshift: step > 0.7 * range[1] ? -3 : 3,
        font: { size: 11, color: warns ? look.warning : look.quiet },
        bgcolor: warns ? look.card : undefined, borderpad: 1,
      })),
    };
  }

  /** Where a later attempt went on; of marks that lie close together the last one has the word. */
  continued(range, large, rising) {
    const y = rising ? 0.12 : 0.9; // where the curve is not: losses fall, right answers rise
    const marks = (this.run.continued ?? []).map((step) => ({ step, dash: "dash", text: "", y }));
    let named = Infinity;
    for (const mark of [...marks].reverse()) {
      if (!large || mark.step > range[1] || named - mark.step < NAMED_APART * (range[1] - range[0])) continue;
      named = mark.step;
      mark.text = "continued";
    }
    return marks;
  }

  lastStep() {
    let last = 0;
    for (const curve of this.curves.values()) last = Math.max(last, curve.steps.at(-1) ?? 0);
    return last;
  }

  drawLegend(chart, known, look) {
    chart.legend.hidden = known.length < 2;
    for (const [name, title, colourIndex] of known) {
      let key = chart.keys.get(name);
      if (!key) {
        key = { button: make("button", "lr-key"), dot: make("i"), value: make("b") };
        key.button.type = "button";
        key.button.title = "Show or hide this curve";
        key.button.append(key.dot, make("span", "", title), key.value);
        key.button.addEventListener("click", () => {
          if (!chart.hidden.delete(name)) chart.hidden.add(name);
          this.drawSoon();
        });
        chart.legend.append(key.button);
        chart.keys.set(name, key);
      }
      key.dot.style.background = look.palette[colourIndex % look.palette.length];
      key.button.setAttribute("aria-pressed", String(!chart.hidden.has(name)));
      key.value.textContent = this.value(chart.spec, this.curves.get(name).last);
    }
  }

  value(spec, value) {
    if (spec.percent) return percent(value);
    if (spec.id === "memory") return megabytes(value);
    return spec.size === "large" ? loss(value) : isNumber(value) ? compact.format(value) : "–";
  }

  describe(spec, known) {
    const parts = known.map(([name, title]) => `${title} ${this.value(spec, this.curves.get(name).last)}`);
    return `Chart of ${spec.title.toLowerCase()} by step. Now: ${parts.join(", ")}.`;
  }

  // -------------------------------------------------------------------------------- zooming

  onRelayout(change) {
    if (this.applying) return;
    const first = change["xaxis.range[0]"] ?? change["xaxis.range"]?.[0];
    const last = change["xaxis.range[1]"] ?? change["xaxis.range"]?.[1];
    if (isNumber(first) && isNumber(last)) this.zoom([Math.max(0, first), last]);
  }

  /** Show these steps in all charts (null: everything), and fetch them in more detail. */
  async zoom(range) {
    this.range = range;
    this.back.hidden = range === null;
    this.root.dataset.zoomed = String(range !== null);
    if (range === null) this.detail = null;
    this.drawSoon();
    if (range === null || !this.thinned) return;
    const names = this.specs.flatMap((chart) => chart.curves.map(([name]) => name))
      .filter((name) => this.curves.has(name));
    const [first, last] = [Math.max(0, Math.floor(range[0])), Math.ceil(range[1])];
    const query = new URLSearchParams({ names: names.join(","), first, last });
    try {
      const response = await fetch(`/api/runs/${this.runId}/window?${query}`, { cache: "no-store" });
      if (!response.ok || this.range !== range) return;
      const payload = await response.json();
      const curves = new Map();
      for (const [name, points] of Object.entries(payload.series)) {
        const curve = new Curve();
        curve.push(points.steps, points.values);
        curves.set(name, curve);
      }
      this.detail = { first, last, curves };
      this.drawSoon();
    } catch (error) { /* the coarser points stay */ }
  }

  resize() {
    if (this.root.clientWidth === this.width) return;
    this.width = this.root.clientWidth;
    if (this.anyDrawn) this.drawSoon();
  }
}
