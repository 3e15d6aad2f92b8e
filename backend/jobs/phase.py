"""What a run that is getting ready does just now: written by its worker, read by every page."""

import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from backend.models import weights
from storage import files

TELL_SECONDS = 0.5
MB = 1e6


def read_phase(run_id: int) -> str:
    """The words, or none."""
    try:
        return files.run_phase(run_id).read_text(encoding="utf-8")
    except OSError:
        return ""


@contextmanager
def downloads_told(run_id: int, should_stop: Callable[[], bool]) -> Iterator[None]:
    """Within this block downloads write how far they are, and end where the run should stop."""
    path, told_at = files.run_phase(run_id), 0.0

    def listener(what: str, here: int, total: int) -> None:
        nonlocal told_at
        if should_stop():
            raise weights.DownloadStoppedError
        if time.monotonic() - told_at >= TELL_SECONDS:
            told_at = time.monotonic()
            with contextlib.suppress(OSError):  # a full disk is the download's to tell
                part = path.with_name(f"{path.name}.part")
                part.write_text(download_words(what, here, total), encoding="utf-8")
                part.replace(path)

    path.unlink(missing_ok=True)
    try:
        with weights.telling(listener):
            yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def download_words(what: str, here: int, total: int) -> str:
    """Downloading google/vit: 120 of 346 MB."""
    if not total:
        return f"Downloading {what}: {here / MB:,.0f} MB so far."
    if total < MB:
        return f"Downloading {what}: {here / 1e3:,.0f} of {total / 1e3:,.0f} kB."
    share = 100 * here // total
    return f"Downloading {what}: {here / MB:,.0f} of {total / MB:,.0f} MB ({share} %)."
