"""How our own browser code is loaded: a short loader travels with the page, the rest is cached."""

from pages.components.links import ASSETS

_LOADER = """
export default function (component) {
  const { data, parentElement } = component;
  const base = new URL("/assets/", document.baseURI).href;
  const address = (kind) => `${base}NAME.${kind}?v=${data.version}`;
  if (!document.querySelector(`link[href="${address("css")}"]`)) {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = address("css");
    document.head.append(link);
  }
  let gone = false;
  let cleanup = null;
  import(address("js")).then((module) => {
    if (!gone) cleanup = module.mount(component);
  });
  return () => {
    gone = true;
    if (cleanup) cleanup();
  };
}
"""


def loader(name: str) -> str:
    """JavaScript that loads assets/NAME.js and .css and calls its mount(component)."""
    return _LOADER.replace("NAME", name)


def version(*names: str) -> str:
    """Changes with the files, so that a browser never runs an old module with a new page."""
    return str(max((ASSETS / name).stat().st_mtime_ns for name in names))
