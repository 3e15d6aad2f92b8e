// A map of words or texts that moves from one evaluation to the next, with a slider that replays
// them. Loaded by pages/components/point_map.py, which sends all frames with each change.

import { loadPlotly } from "./plotly_loader.js";

const MOVE = 700; // milliseconds from one frame to the next
const HOLD = 250; // and how long a frame stands while it is replayed
const ROOM = 1.15; // the map's edge, as a multiple of how far nearly all points lie
const NEARLY_ALL = 0.985; // the few beyond that stand at the edge
const LETTER = 6.4, LINE = 15; // pixels of a label's letter and line
const LONGEST_LABEL = 22;

const maps = new WeakMap();

export function mount(component) {
  const { parentElement } = component;
  let map = maps.get(parentElement);
  if (!map) {
    map = new PointMap(parentElement.querySelector(".pm-root"));
    maps.set(parentElement, map);
  }
  map.update(component.data);
  return () => {
    map.destroy();
    maps.delete(parentElement);
  };
}

function make(tag, className, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

// Plotly reads some tags in labels: a user's words are to be seen as they are.
const plain = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

class PointMap {
  constructor(root) {
    this.root = root;
    this.frames = [];
    this.place = -1; // the frame that is shown
    this.button = make("button", "pm-button", "▶ Replay");
    this.button.type = "button";
    this.slider = make("input", "pm-slider");
    Object.assign(this.slider, { type: "range", min: 0, step: 1 });
    this.slider.setAttribute("aria-label", "Evaluation");
    this.words = make("output", "pm-words");
    const row = make("div", "pm-row");
    row.append(this.button, this.slider, this.words);
    this.plot = make("div", "pm-plot");
    this.plot.setAttribute("role", "img");
    this.legend = make("div", "pm-legend");
    this.root.replaceChildren(row, this.plot, this.legend);
    this.button.addEventListener("click", () => (this.playing ? this.pause() : this.play()));
    this.slider.addEventListener("input", () => { this.pause(); this.go(Number(this.slider.value)); });
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(root);
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
  }

  destroy() {
    this.gone = true;
    this.pause();
    this.observer.disconnect();
  }

  /** Python sent its frames again, or the theme changed. */
  async update(data) {
    const look = getComputedStyle(this.root).getPropertyValue("--st-text-color");
    const same = this.frames.length === data.frames.length && this.look === look && this.key === data.key;
    if (same) return;
    const followed = this.place === this.frames.length - 1 || this.place >= data.frames.length;
    const redrawn = this.look !== look || this.key !== data.key;
    Object.assign(this, { frames: data.frames, texts: data.texts, key: data.key, look });
    this.slider.max = String(this.frames.length - 1);
    this.slider.parentElement.hidden = this.frames.length < 2;
    const far = (axis) => Math.max(...this.frames.map((frame) => {
      const sizes = frame[axis].map(Math.abs).sort((a, b) => a - b);
      return sizes[Math.floor(NEARLY_ALL * (sizes.length - 1))];
    })) * ROOM || 1;
    this.edge = { x: far("x"), y: far("y") };
    this.plotly = this.plotly ?? (await loadPlotly());
    if (this.gone) return;
    if (redrawn || !this.drawn) this.draw(Math.max(0, followed ? this.frames.length - 1 : this.place));
    else if (followed && !this.playing) this.go(this.frames.length - 1);
    else this.tell();
  }

  tell() {
    const frame = this.frames[this.place];
    this.slider.value = String(this.place);
    this.words.textContent = `epoch ${+frame.epoch.toFixed(2)} · ${this.place + 1} of ${this.frames.length}`;
    this.plot.setAttribute("aria-label",
      `Map of ${this.texts.length} points after ${this.words.textContent}; groups: ${frame.names.join("; ")}`);
    const palette = this.palette();
    this.legend.replaceChildren(...frame.names.flatMap((name, number) => {
      if (!name) return [];
      const key = make("span", "pm-key", name);
      const dot = make("i", "");
      dot.style.background = palette[number % palette.length];
      key.prepend(dot);
      return [key];
    }));
  }

  palette() {
    const style = getComputedStyle(this.root);
    return style.getPropertyValue("--st-chart-categorical-colors").split(",").map((one) => one.trim());
  }

  trace(frame) {
    const palette = this.palette();
    const style = getComputedStyle(this.root);
    return {
      ...this.places(frame), text: this.labels(frame), hovertext: this.texts.map(plain),
      mode: "markers+text", type: "scatter", textposition: "top center", hoverinfo: "text",
      marker: { size: 7, opacity: 0.85, color: frame.groups.map((one) => palette[one % palette.length]) },
      textfont: { size: 11, color: style.getPropertyValue("--st-text-color").trim() },
      cliponaxis: false,
    };
  }

  places(frame) {
    const within = (axis) => frame[axis].map((one) => Math.min(this.edge[axis], Math.max(-this.edge[axis], one)));
    return { x: within("x"), y: within("y") };
  }

  /** The texts of points whose labels find room, the earlier ones first; "" for the others. */
  labels(frame) {
    const width = this.plot.clientWidth || 600, height = this.plot.clientHeight || 400;
    const across = width / (2.2 * this.edge.x), up = height / (2.2 * this.edge.y);
    const places = this.places(frame), taken = [];
    return this.texts.map((text, i) => {
      const short = text.length > LONGEST_LABEL ? `${text.slice(0, LONGEST_LABEL - 1)}…` : text;
      const half = (short.length * LETTER) / 2, x = places.x[i] * across, y = places.y[i] * up;
      const free = taken.every(([otherX, otherY, otherHalf]) =>
        Math.abs(x - otherX) > half + otherHalf || Math.abs(y - otherY) > LINE);
      if (free) taken.push([x, y, half]);
      return free ? plain(short) : "";
    });
  }

  draw(place) {
    this.place = place;
    const style = getComputedStyle(this.root);
    const axis = (name) => ({ visible: false, range: [-1.1 * this.edge[name], 1.1 * this.edge[name]] });
    const layout = {
      margin: { l: 0, r: 0, t: 12, b: 0 }, showlegend: false, uirevision: "same",
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      xaxis: axis("x"), yaxis: axis("y"),
      dragmode: matchMedia("(pointer: coarse)").matches ? false : "pan",
      font: { family: style.getPropertyValue("--st-font").trim() },
    };
    this.plotly.react(this.plot, [this.trace(this.frames[place])], layout, { displayModeBar: false, responsive: false });
    this.drawn = true;
    this.width = this.root.clientWidth;
    this.tell();
  }

  /** Let the points move to where they were, or went, in another frame. */
  async go(place) {
    if (place === this.place || !this.drawn) return;
    this.place = place;
    this.tell();
    const frame = this.frames[place], trace = this.trace(frame);
    const duration = this.still.matches ? 0 : MOVE;
    await this.plotly.animate(
      this.plot, { data: [{ x: trace.x, y: trace.y }], traces: [0] },
      { transition: { duration, easing: "cubic-in-out" }, frame: { duration, redraw: false }, mode: "immediate" },
    ).catch(() => {}); // a newer frame took over
    if (this.gone || this.place !== place) return;
    this.plotly.restyle(this.plot, { text: [trace.text], "marker.color": [trace.marker.color] }, [0]);
  }

  async play() {
    this.playing = true;
    this.button.textContent = "❚❚ Pause";
    const turn = (this.turn = {});
    let place = this.place === this.frames.length - 1 ? 0 : this.place + 1;
    while (this.turn === turn && place < this.frames.length) {
      await this.go(place);
      await new Promise((done) => setTimeout(done, HOLD));
      place += 1;
    }
    if (this.turn === turn) this.pause();
  }

  pause() {
    this.playing = false;
    this.turn = null;
    this.button.textContent = "▶ Replay";
  }

  resize() {
    if (!this.drawn || this.root.clientWidth === this.width) return;
    this.width = this.root.clientWidth;
    this.plotly.Plots.resize(this.plot);
    this.plotly.restyle(this.plot, { text: [this.labels(this.frames[this.place])] }, [0]);
  }
}
