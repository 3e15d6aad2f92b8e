// Loads Plotly once for all components of a page, from the app itself.

let loading = null;

export function loadPlotly() {
  loading = loading ?? new Promise((resolve, reject) => {
    if (window.Plotly) { resolve(window.Plotly); return; }
    const script = document.createElement("script");
    script.src = "/assets/plotly.min.js";
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => { loading = null; reject(new Error("Plotly did not load")); };
    document.head.append(script);
  });
  return loading;
}
