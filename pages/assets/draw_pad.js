// A square to draw on with mouse, finger or pen. Loaded by pages/components/draw_pad.py.

const SIZE = 280; // pixels of the picture that is sent
const PEN = 24;

const pads = new WeakMap();

export function mount(component) {
  const { parentElement } = component;
  let pad = pads.get(parentElement);
  if (!pad) {
    pad = new DrawPad(parentElement.querySelector(".dp-root"), component.data.word);
    pads.set(parentElement, pad);
  }
  pad.send = (picture) => component.setTriggerValue("drawn", picture);
  return () => pads.delete(parentElement);
}

class DrawPad {
  constructor(root, word) {
    this.canvas = document.createElement("canvas");
    this.canvas.width = this.canvas.height = SIZE;
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", "Field to draw on with mouse, finger or pen");
    this.pen = this.canvas.getContext("2d");
    const row = document.createElement("div");
    row.className = "dp-row";
    this.ask = this.button(word || "Ask", "dp-ask", () => this.send(this.canvas.toDataURL("image/png")));
    row.append(this.ask, this.button("Clear", "", () => this.clear()));
    root.replaceChildren(this.canvas, row);
    this.canvas.addEventListener("pointerdown", (event) => this.begin(event));
    this.canvas.addEventListener("pointermove", (event) => this.move(event));
    this.clear();
  }

  button(text, className, action) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    button.className = `dp-button ${className}`;
    button.addEventListener("click", action);
    return button;
  }

  clear() {
    this.pen.fillStyle = "#fff";
    this.pen.fillRect(0, 0, SIZE, SIZE);
    this.ask.disabled = true;
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return [
      ((event.clientX - box.left) / box.width) * SIZE,
      ((event.clientY - box.top) / box.height) * SIZE,
    ];
  }

  begin(event) {
    event.preventDefault();
    this.canvas.setPointerCapture(event.pointerId);
    this.last = this.place(event);
    this.line(this.last);
  }

  move(event) {
    if (event.buttons !== 1) return;
    // A fast hand makes several points per event; all of them, so that curves stay round.
    for (const point of event.getCoalescedEvents?.() ?? [event]) this.line(this.place(point));
  }

  line(to) {
    Object.assign(this.pen, { lineWidth: PEN, lineCap: "round", lineJoin: "round", strokeStyle: "#111" });
    this.pen.beginPath();
    this.pen.moveTo(...this.last);
    this.pen.lineTo(...to);
    this.pen.stroke();
    this.last = to;
    this.ask.disabled = false;
  }
}
