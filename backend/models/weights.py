"""Where pretrained weights lie and whether they are what they should be; free of torch."""

import hashlib
import importlib.util
import os
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path

from backend.errors import DownloadError, ModelError

# Seconds without an answer after which a download counts as impossible.
TIMEOUT = 8
_switched_off: ContextVar[bool] = ContextVar("switched_off", default=False)
Listener = Callable[[str, int, int], None]
"""Told of a download now and then: what it is, bytes that are here, bytes in all (0: not known).

It may raise, which ends the download; what has arrived by then is kept where that can be.
"""


class DownloadStoppedError(Exception):
    """Raised by a listener: whoever wanted the download does not want it any more."""


_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


def package_file(package: str, path: str) -> Path | None:
    """A file inside an installed package, found without importing it; None where it is absent."""
    try:
        found = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return None
    if found is None or not found.submodule_search_locations:
        return None
    file = Path(next(iter(found.submodule_search_locations))) / path
    return file if file.is_file() else None


def verify(path: Path, sha256: str) -> Path:
    """The path, if the file's sha256 begins as given; raises ModelError otherwise."""
    status = path.stat()
    if not _digest(str(path), status.st_size, status.st_mtime_ns).startswith(sha256):
        raise ModelError(
            f"The weights in {path.name} are not the ones they should be: the file was changed or "
            "damaged. Install or download them again."
        )
    return path


@lru_cache(maxsize=32)
def _digest(path: str, size: int, changed: int) -> str:
    """sha256 of a file; size and time of change are there so that a new file is read anew."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def without_downloads() -> Iterator[None]:
    """Within this block whatever would have to be downloaded raises DownloadError."""
    token = _switched_off.set(True)
    try:
        yield
    finally:
        _switched_off.reset(token)


@contextmanager
def telling(listener: Listener) -> Iterator[None]:
    """Within this block downloads tell how far they are."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def tell(what: str, here: int, total: int) -> None:
    """Tell whoever listens how far a download is."""
    listener = _listener.get()
    if listener is not None:
        listener(what, here, total)


def is_offline() -> bool:
    """Whether the environment, or who called, forbids downloads."""
    if _switched_off.get():
        return True
    return os.environ.get("HF_HUB_OFFLINE", "").strip().lower() in ("1", "true", "yes", "on")


def download(url: str, target: Path, sha256: str, advice: str) -> Path:
    """Fetch a file, verify it, put it into place; raises DownloadError ending with the advice."""
    if is_offline():
        raise DownloadError(f"Downloads are switched off (HF_HUB_OFFLINE is set). {advice}")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.{uuid.uuid4().hex}.part")
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as reply, part.open("wb") as file:
            total = int(getattr(reply, "headers", {}).get("Content-Length") or 0)
            while block := reply.read(1 << 20):
                file.write(block)
                tell(target.name, file.tell(), total)
        verify(part, sha256)
        part.replace(target)
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        cause = getattr(error, "reason", None) or error
        raise DownloadError(
            f"The weights could not be downloaded: the internet cannot be reached ({cause}). "
            f"{advice}"
        ) from error
    finally:
        part.unlink(missing_ok=True)
    return target
