// Whether this browser may tell that a run has ended: asked by the run's page and the settings, used
// by notifier.js. A browser that keeps nothing for this page throws at the mere look at localStorage.

const KEY = "trainroom-tell-when-ended";

export const supported = () => "Notification" in window;

export function wanted() {
  return supported() && Notification.permission === "granted" && remembered() === "yes";
}

function remembered() {
  try { return localStorage.getItem(KEY); } catch { return null; }
}

function remember(value) {
  try { localStorage.setItem(KEY, value); } catch { /* it holds until the page is left */ }
}

/** Switch it over, asking the browser where that is needed; what to say where it refuses. */
async function toggle() {
  const on = !wanted();
  const permission = on ? await Notification.requestPermission() : "granted";
  remember(on && permission === "granted" ? "yes" : "no");
  return permission === "granted" ? ""
    : "The browser does not let this page tell you. Allow notifications in its settings.";
}

/** Let a button switch it; answer is where a refusal is told. */
export function bell(button, answer, words) {
  const draw = () => {
    button.textContent = wanted() ? words.on : words.off;
    button.setAttribute("aria-pressed", String(wanted()));
  };
  button.addEventListener("click", async () => {
    answer.textContent = await toggle();
    draw();
  });
  draw();
}

export function show(run, open) {
  if (!wanted()) return;
  try {
    // One per run, however many tabs show it.
    const note = new Notification(run.name, { body: run.sentence, tag: `trainroom-${run.id}` });
    note.onclick = () => { window.focus(); open(); };
  } catch { /* phones know only notifications of installed apps */ }
}
