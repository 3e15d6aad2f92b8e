"""A stand-in for the Hugging Face Hub on this computer, which speaks as much of it as is asked."""

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

CONVERTED = "refs/convert/parquet"


@dataclass
class HubSet:
    """A data set: its card, and its files by revision ("main" or the conversion)."""

    files: Mapping[str, bytes]
    revision: str = CONVERTED
    card: Mapping[str, Any] = field(default_factory=dict)
    downloads: int = 12_345
    gated: bool = False
    hangs: bool = False


@contextmanager
def hub(sets: Mapping[str, HubSet]) -> Iterator[str]:
    """The address of a server that has these sets, by id."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def _answer(self, *, body: bool) -> None:
            path = unquote(urlsplit(self.path).path)
            name = next((name for name in sets if f"datasets/{name}/" in path + "/"), None)
            if name is None:
                self._send(404, b'{"error": "Repository not found"}', body, "RepoNotFound")
                return
            one, rest = sets[name], path.split(f"datasets/{name}", 1)[1].strip("/")
            if one.gated:
                self._send(403, b"{}", body, "GatedRepo")
            elif rest.startswith("tree/"):
                self._tree(one, rest.removeprefix("tree/"), body)
            elif rest.startswith("resolve/"):
                self._file(one, rest.removeprefix("resolve/"), body)
            else:
                record = {
                    "id": name, "sha": "a" * 40, "downloads": one.downloads, "private": False,
                    "gated": False, "disabled": False, "tags": [], "siblings": [],
                    "cardData": dict(one.card), "createdAt": "2024-01-01T00:00:00.000Z",
                    "lastModified": "2024-01-01T00:00:00.000Z", "likes": 1,
                }  # fmt: skip
                self._send(200, json.dumps(record).encode(), body)

        def _tree(self, one: HubSet, revision: str, body: bool) -> None:
            if revision not in (one.revision, "a" * 40 if one.revision == "main" else ""):
                self._send(404, b'{"error": "Invalid rev id"}', body, "RevisionNotFound")
                return
            listed = [
                {"type": "file", "path": path, "size": len(data), "oid": "0" * 40}
                for path, data in one.files.items()
            ]
            self._send(200, json.dumps(listed).encode(), body)

        def _file(self, one: HubSet, rest: str, body: bool) -> None:
            data = next((d for path, d in one.files.items() if rest.endswith(path)), None)
            if data is None:
                self._send(404, b"{}", body, "EntryNotFound")
                return
            if one.hangs and body:
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data[: len(data) // 2])
                self.wfile.flush()
                released.wait(120)
                return
            self._send(200, data, body)

        def _send(self, status: int, data: bytes, body: bool, error: str = "") -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
            self.send_header("X-Repo-Commit", "a" * 40)
            if error:
                self.send_header("X-Error-Code", error)
            self.end_headers()
            if body:
                self.wfile.write(data)

    released = threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        released.set()
        server.shutdown()
        server.server_close()
