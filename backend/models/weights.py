"""Where pretrained weights lie and whether they are what they should be; free of torch."""

import hashlib
import importlib.util
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path

from filelock import FileLock, Timeout

from backend.errors import DownloadError, ModelError
from storage import files

# Seconds without an answer after which a download counts as impossible.
TIMEOUT = 8
# Seconds between two looks at whether another process has fetched the same file.
LOOK_SECONDS = 0.5
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
    """Fetch a file, verify it, put it into place; what an interrupted try left is gone on with.

    Raises DownloadError ending with the advice, ModelError where another file arrived.
    """
    if is_offline():
        raise DownloadError(f"Downloads are switched off (HF_HUB_OFFLINE is set). {advice}")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    with _alone(target.name, part):
        while not target.is_file():  # whoever waited finds it whole
            try:
                begun = _fetch(url, part, target.name)
            except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
                cause = getattr(error, "reason", None) or error
                kept = "What has arrived is kept. "
                if not part.stat().st_size:
                    kept = ""
                    part.unlink()
                raise DownloadError(
                    "The weights could not be downloaded: the internet cannot be reached "
                    f"({cause}). {kept}{advice}"
                ) from error
            try:
                verify(part, sha256)
            except ModelError:
                part.unlink()  # or the next try would go on with it
                if begun == 0:
                    raise
            else:
                part.replace(target)
    return target


@contextmanager
def _alone(what: str, part: Path) -> Iterator[None]:
    """Wait until no other process fetches the same file, telling how far that one is."""
    lock = FileLock(files.locks_dir() / f"download-{what}.lock")
    while True:
        with suppress(Timeout):
            lock.acquire(timeout=LOOK_SECONDS)
            break
        with suppress(FileNotFoundError):
            tell(what, part.stat().st_size, 0)
    try:
        yield
    finally:
        lock.release()


def _fetch(url: str, part: Path, what: str) -> int:
    """Fetch what is missing of a file; returns how many bytes were there before."""
    with part.open("ab") as file:
        begun = file.tell()
        asked = {"Range": f"bytes={begun}-"} if begun else {}
        try:
            reply = urllib.request.urlopen(
                urllib.request.Request(url, headers=asked), timeout=TIMEOUT
            )
        except urllib.error.HTTPError as error:
            if begun and error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                return begun  # nothing is missing: whether it is right will be seen
            raise
        with reply:
            if begun and reply.status != HTTPStatus.PARTIAL_CONTENT:
                file.truncate(0)
                begun = 0
            length = int(getattr(reply, "headers", {}).get("Content-Length") or 0)
            total = begun + length if length else 0
            here = begun
            while block := reply.read(1 << 20):
                file.write(block)
                here += len(block)
                tell(what, here, total)
        if here < total:
            raise ConnectionError("the connection was cut")
    return begun
