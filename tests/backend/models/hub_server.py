"""A stand-in for the Hugging Face Hub's models on this computer; the real client talks to it."""

import hashlib
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

SHA = "b" * 40
PIECE = 16 * 1024


@dataclass
class HubModelOnServer:
    """A model: its files, what the Hub's list says of it, and how it behaves.

    cut_at: bytes of the weights after which the first connection breaks. seconds: how long the
    weights take.
    """

    files: Mapping[str, bytes]
    tag: str = "image-classification"
    tags: list[str] = field(default_factory=lambda: ["license:mit", "safetensors", "transformers"])
    config: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, int] = field(default_factory=dict)
    downloads: int = 1000
    gated: bool = False
    cut_at: int = 0
    seconds: float = 0.0


@dataclass
class Server:
    """Where it is, and what it was asked: paths, and the ranges of weights that were wanted."""

    address: str
    asked: list[str] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)


def read_folder(folder: Path) -> dict[str, bytes]:
    """The files of a folder, as a model holds them."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@contextmanager
def model_hub(models: Mapping[str, HubModelOnServer]) -> Iterator[Server]:
    """A server that has these models, by id."""
    known = Server("")

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def _answer(self, *, body: bool) -> None:
            known.asked.append(self.path)
            path = unquote(urlsplit(self.path).path)
            if path == "/api/models":
                self._send(json.dumps(self._listed()).encode(), body)
                return
            name = next((one for one in models if f"/{one}/" in f"{path}/"), None)
            if name is None:
                self._send(b'{"error": "not found"}', body, 404, "RepoNotFound")
            elif models[name].gated:
                self._send(b"{}", body, 403, "GatedRepo")
            elif path.startswith("/api/models/") and "/tree/" in path:
                self._send(json.dumps(self._tree(name)).encode(), body)
            elif path.startswith("/api/models/"):
                self._send(json.dumps(self._info(name)).encode(), body)
            else:
                self._file(models[name], path.rsplit("/", 1)[1], body)

        def _listed(self) -> list[dict[str, Any]]:
            asked = parse_qs(urlsplit(self.path).query)
            words, tag = asked.get("search", [""])[0], asked["pipeline_tag"][0]
            found = [
                {
                    "id": name, "downloads": one.downloads, "gated": one.gated, "tags": one.tags,
                    "config": dict(one.config), "safetensors": {"parameters": one.parameters},
                }
                for name, one in models.items()
                if words in name and tag == one.tag and set(asked["filter"]) <= set(one.tags)
            ]  # fmt: skip
            return sorted(found, key=lambda one: -one["downloads"])[: int(asked["limit"][0])]

        def _info(self, name: str) -> dict[str, Any]:
            siblings = []
            for path, data in models[name].files.items():
                entry: dict[str, Any] = {"rfilename": path, "size": len(data), "blobId": "0" * 40}
                if path.endswith(".safetensors"):
                    entry["lfs"] = {
                        "sha256": hashlib.sha256(data).hexdigest(), "size": len(data),
                        "pointerSize": 130,
                    }  # fmt: skip
                siblings.append(entry)
            return {
                "id": name, "sha": SHA, "siblings": siblings, "tags": models[name].tags,
                "private": False, "gated": False, "disabled": False,
                "downloads": models[name].downloads, "likes": 1,
            }  # fmt: skip

        def _tree(self, name: str) -> list[dict[str, Any]]:
            return [
                {"type": "file", "path": path, "size": len(data), "oid": "0" * 40}
                for path, data in models[name].files.items()
            ]

        def _file(self, one: HubModelOnServer, path: str, body: bool) -> None:
            data = one.files.get(path)
            if data is None:
                self._send(b"{}", body, 404, "EntryNotFound")
            elif body and path.endswith(".safetensors"):
                self._weights(one, data)
            else:
                self._send(data, body)

        def _weights(self, one: HubModelOnServer, data: bytes) -> None:
            wanted = self.headers.get("Range", "")
            known.ranges.append(wanted)
            start = int(wanted.removeprefix("bytes=").split("-")[0]) if wanted else 0
            self._head(len(data) - start, hashlib.sha256(data).hexdigest(), 206 if start else 200)
            end, one.cut_at = one.cut_at or len(data), 0
            for place in range(start, end, PIECE):
                self.wfile.write(data[place : min(end, place + PIECE)])
                self.wfile.flush()
                time.sleep(one.seconds * PIECE / len(data))
            if end < len(data):
                self.close_connection = True

        def _head(self, length: int, etag: str, status: int, error: str = "") -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(length))
            self.send_header("Content-Type", "application/json")
            self.send_header("ETag", f'"{etag}"')
            self.send_header("X-Repo-Commit", SHA)
            self.send_header("Accept-Ranges", "bytes")
            if error:
                self.send_header("X-Error-Code", error)
            self.end_headers()

        def _send(self, data: bytes, body: bool, status: int = 200, error: str = "") -> None:
            self._head(len(data), hashlib.sha256(data).hexdigest(), status, error)
            if body:
                self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    known.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield known
    finally:
        server.shutdown()
        server.server_close()
