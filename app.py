"""The web app: pages behind one guard, the live-curve routes, and the supervisor kept alive."""

import gc
import gzip
import logging
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ASSETS = Path(__file__).parent / "pages" / "assets"
# The supervisor is looked for as often, so that a dead one is replaced well within five seconds.
HEARTBEAT_SECONDS = 2
FIRST_PAGE_SECONDS = 1.5
OWN_PATHS = ("/api/", "/assets/")
# The browser itself is told to load nothing from elsewhere, whatever a page may contain.
CONTENT_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "media-src 'self' data: blob:; connect-src 'self' data: blob:; worker-src 'self' blob:; "
    "frame-ancestors 'self'; object-src 'none'; base-uri 'self'"
)
HOST = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?", re.ASCII)
RUN_ID = re.compile(r"[1-9][0-9]{0,11}", re.ASCII)
NUMBER = re.compile(r"[0-9]{1,15}", re.ASCII)

log = logging.getLogger("trainroom.app")


class Guard:
    """Refuses foreign hosts everywhere and foreign origins on our own routes; adds headers.

    Streamlit checks its websocket and uploads itself, but knows nothing of routes that we add.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if not _host_allowed(headers.get("host", "")):
            await PlainTextResponse("This host is not allowed.", 403)(scope, receive, send)
            return
        if scope["path"].startswith(OWN_PATHS):
            if scope["method"] not in ("GET", "HEAD"):
                await PlainTextResponse("Reading only.", 405)(scope, receive, send)
                return
            if not _same_origin(headers):
                await PlainTextResponse("This origin is not allowed.", 403)(scope, receive, send)
                return
        await self.app(scope, receive, partial(_send_with_headers, send, scope["path"]))


async def _send_with_headers(send: Send, path: str, message: Message) -> None:
    if message["type"] == "http.response.start":
        headers = MutableHeaders(scope=message)
        if path.startswith("/assets/"):
            # Asked for again each time, answered "not modified": an update is never half seen.
            headers.setdefault("Cache-Control", "no-cache")
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Referrer-Policy", "same-origin")
        headers.setdefault("Content-Security-Policy", CONTENT_POLICY)
    await send(message)


def _host_allowed(host: str) -> bool:
    match = HOST.fullmatch(host)
    if match is None:
        return False
    name = match[1].lower().rstrip(".")
    allowed = st.get_option("server.allowedHosts") or ["127.0.0.1", "localhost"]
    return name in allowed or "*" in allowed


def _same_origin(headers: Headers) -> bool:
    """Whether the request comes from our own pages (or from no page at all, such as curl)."""
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != headers.get("host"):
        return False
    return headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")


async def live(request: Request) -> Response:
    """What is new in a run since chunk `after`: state and metric points."""
    from backend.live import live_state, shared

    after = request.query_params.get("after", "0")
    if not NUMBER.fullmatch(after):
        return JSONResponse({"error": "bad number"}, 400)
    return await _answer(request, lambda run_id: shared(live_state, run_id, int(after)))


async def window(request: Request) -> Response:
    """Curves between two steps, in the detail that a zoomed chart can show."""
    from backend.live import curve_window

    query = request.query_params
    first, last = query.get("first", "0"), query.get("last", "0")
    names = [name for name in query.get("names", "").split(",") if name][:20]
    if not (NUMBER.fullmatch(first) and NUMBER.fullmatch(last)):
        return JSONResponse({"error": "bad number"}, 400)
    return await _answer(request, lambda run_id: curve_window(run_id, names, int(first), int(last)))


async def story(request: Request) -> Response:
    """What happened in a run since event `after`, and its log where that is no longer so long."""
    from backend.live import shared, story

    after, log = request.query_params.get("after", "0"), request.query_params.get("log", "")
    if not NUMBER.fullmatch(after) or not (log == "" or NUMBER.fullmatch(log)):
        return JSONResponse({"error": "bad number"}, 400)
    known = int(log) if log else -1
    return await _answer(request, lambda run_id: shared(story, run_id, int(after), known))


async def ends(request: Request) -> Response:
    """Which runs have ended since `after`, in thousandths of a second."""
    from backend.live import ends, shared

    after = request.query_params.get("after", "")
    if not (after == "" or NUMBER.fullmatch(after)):
        return JSONResponse({"error": "bad number"}, 400)
    payload = await anyio.to_thread.run_sync(shared, ends, int(after) if after else None)
    return JSONResponse(payload, headers={"Cache-Control": "no-store"})


async def _answer(request: Request, read: Callable[[int], Any]) -> Response:
    from backend.errors import NotFoundError

    run_id = request.path_params["run_id"]
    if not RUN_ID.fullmatch(run_id):
        return JSONResponse({"error": "no such run"}, 404)
    try:
        payload = await anyio.to_thread.run_sync(read, int(run_id))
    except NotFoundError as error:
        return JSONResponse({"error": str(error)}, 404)
    return JSONResponse(payload, headers={"Cache-Control": "no-store"})


@cache
def _plotly_js() -> tuple[bytes, bytes, str]:
    """Plotly's own script from its package (plain, gzipped, version), without importing it."""
    spec = find_spec("plotly")
    if spec is None or spec.origin is None:
        raise RuntimeError("plotly is not installed")
    path = Path(spec.origin).parent / "package_data" / "plotly.min.js"
    plain = path.read_bytes()
    return plain, gzip.compress(plain, 6), str(path.stat().st_mtime_ns)


async def plotly_js(request: Request) -> Response:
    """Plotly for the live charts: 4.8 MB, compressed once, kept by the browser for a year."""
    plain, packed, version = await anyio.to_thread.run_sync(_plotly_js)
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable",
        "ETag": f'"{version}"',
        "Vary": "Accept-Encoding",
    }
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    body = plain
    if "gzip" in request.headers.get("accept-encoding", ""):
        body, headers["Content-Encoding"] = packed, "gzip"
    return Response(body, media_type="text/javascript", headers=headers)


def _load() -> None:
    """Import what every page needs and open the database, while the browser is still starting."""
    from backend import runs

    runs.list_runs(statuses=[])


def _prepare() -> None:
    """See to it that a supervisor is there; a process of its own makes the bundled data."""
    from backend import datasets, jobs

    jobs.touch_app()
    datasets.list_bundled()
    # What is loaded now stays: keeping it out of collections makes every rerun cheaper.
    gc.collect()
    gc.freeze()


async def _keep_alive() -> None:
    """Prepare, then tell the supervisor every few seconds that the app is still here."""
    try:
        await anyio.to_thread.run_sync(_load)
        # The worker's imports take a core for seconds: the first page is drawn before.
        await anyio.sleep(FIRST_PAGE_SECONDS)
        await anyio.to_thread.run_sync(_prepare)
    except Exception:
        log.exception("The preparation at the start failed")
    from backend import jobs

    while True:
        try:
            await anyio.to_thread.run_sync(jobs.touch_app)
        except Exception:
            log.exception("The heartbeat failed")
        await anyio.sleep(HEARTBEAT_SECONDS)


def _on_script_error(error: Exception) -> bool:
    """Imported late: app.py itself is loaded before there is a Streamlit runtime."""
    from pages.components.errors import script_error

    return script_error(error)


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[dict[str, Any]]:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_keep_alive)
        yield {}
        tasks.cancel_scope.cancel()


ROUTES = [
    Route("/api/runs/{run_id}/live", live),
    Route("/api/runs/{run_id}/window", window),
    Route("/api/runs/{run_id}/story", story),
    Route("/api/ends", ends),
    Route("/assets/plotly.min.js", plotly_js),
    Mount("/assets", StaticFiles(directory=ASSETS)),
]
MIDDLEWARE = [Middleware(Guard)]

app = st.App(
    "pages/navigation.py",
    lifespan=lifespan,
    routes=ROUTES,
    middleware=MIDDLEWARE,
    on_script_error=_on_script_error,
)
