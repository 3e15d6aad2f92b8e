"""A run as one HTML page that needs nothing else: for pages and the command line."""

import os
import uuid
from pathlib import Path

from backend.errors import DiskFullError, UsageError
from backend.reporting.page import page
from backend.runs import get_run

__all__ = ["report_html", "write_report"]


def report_html(run_id: int) -> str:
    """The report of a run; raises NotFoundError."""
    return page(get_run(run_id))


def write_report(run_id: int, path: Path) -> Path:
    """Write the report, whole or not at all, in place of an older file; returns where it lies.

    Raises NotFoundError, UsageError or DiskFullError with a sentence.
    """
    text = report_html(run_id)
    if path.is_dir():
        path = path / f"run-{run_id}.html"
    if path.suffix.lower() not in (".html", ".htm"):
        raise UsageError(
            f"A report is a page for a browser: end its name in .html, not {path.name}."
        )
    if not path.parent.is_dir():
        raise UsageError(f"There is no folder {path.parent}. Create it first, or name another one.")
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise DiskFullError(
            f"The report could not be written to {path}: {error.strerror or error}. Free some "
            "space, or choose another place."
        ) from None
    return path
