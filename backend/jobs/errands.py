"""Errands: work that outlives the page that asked for it, such as an import; used by datasets.

An errand is a detached process with a folder of its own below the home's temporary folder. It
writes how far it is and its answer into that folder; everything else that it makes lies there too,
so that ending it and deleting the folder leaves nothing. Whoever knows the folder's name can look.
"""

import contextlib
import json
import subprocess
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from backend.errors import NotFoundError
from backend.jobs.liveness import holder, is_held
from backend.jobs.processes import end_group, group_members, module_command, start_detached
from storage import files

RECORD, NEWS, ANSWER, LOCK = "errand.json", "progress.json", "answer.json", "errand.lock"
WARDEN = "backend.jobs.errand_warden"
START_SECONDS = 20.0
"""How long a new process may take until it holds its lock, on a computer that is very busy."""
END_SECONDS = 10.0
POLL = 0.05

State = Literal["running", "done", "failed"]
_children: dict[str, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True, slots=True)
class Limits:
    """What an errand may use: more ends it, with a sentence."""

    memory_mb: float | None = None
    cpu_seconds: float | None = None
    """Processor time without any news: then it is lost in something."""
    silent_seconds: float = 300.0
    """Time without any news: then it waits for something that never comes."""


@dataclass(frozen=True, slots=True)
class Errand:
    """How an errand stands: its last words and share while it runs, then its answer or error."""

    id: str
    kind: str
    title: str
    arguments: dict[str, Any]
    started_at: float
    state: State
    words: str = ""
    share: float = 0.0
    answer: Any = None
    error: str = ""

    @property
    def is_running(self) -> bool:
        return self.state == "running"


def start_errand(
    kind: str, title: str, arguments: dict[str, Any], limits: Limits | None = None
) -> Errand:
    """Start a piece of work (a kind of errand_worker.py); returns as soon as its process runs."""
    folder = files.temporary_dir()
    record = {
        "kind": kind,
        "title": title,
        "arguments": arguments,
        "started_at": time.time(),
        "limits": asdict(limits or Limits()),
    }
    write_json(folder / RECORD, record)
    command = module_command(WARDEN, str(folder))
    _children[folder.name] = start_detached(command, files.logs_dir() / "errands.log")
    return find_errand(folder.name)


def find_errand(errand_id: str) -> Errand:
    """An errand as it stands now; raises NotFoundError where there is none of that name."""
    folder = errand_folder(errand_id)
    record = read_json(folder / RECORD)
    if record is None:
        raise NotFoundError("That work is not here any more: it was ended, or cleared away.")
    child = _children.get(errand_id)
    ended = child is not None and child.poll() is not None  # poll() also takes leave of it
    # In this order: the answer is written while the lock is held.
    held = is_held(folder / LOCK)
    answer = read_json(folder / ANSWER)
    known = {name: record[name] for name in ("kind", "title", "arguments", "started_at")}
    if answer is not None:
        state: State = "failed" if "error" in answer else "done"
        return Errand(errand_id, state=state, share=1.0, **known, **answer)
    is_young = not (folder / LOCK).exists() and time.time() - record["started_at"] < START_SECONDS
    if held or (is_young and not ended):
        words, share = read_json(folder / NEWS) or ("Starting", 0.0)
        return Errand(errand_id, state="running", words=words, share=share, **known)
    gone = "The process that did this was ended from outside. Try again."
    return Errand(errand_id, state="failed", error=gone, **known)


def list_errands() -> list[Errand]:
    """All errands of this home that run or whose answer nobody has taken, oldest first."""
    found = []
    for record in (files.home() / "tmp").glob(f"*/{RECORD}"):
        with contextlib.suppress(NotFoundError):  # it may go while this looks
            found.append(find_errand(record.parent.name))
    return sorted(found, key=lambda errand: errand.started_at)


def wait_for_errand(errand_id: str, seconds: float) -> Errand:
    """An errand once it has ended, or as it stands after so many seconds."""
    give_up = time.monotonic() + seconds
    while (errand := find_errand(errand_id)).is_running and time.monotonic() < give_up:
        time.sleep(POLL)
    return errand


def end_errand(errand_id: str) -> None:
    """End an errand with all its processes and delete what it made; also when it has ended."""
    folder = errand_folder(errand_id)
    child = _children.get(errand_id)
    give_up = time.monotonic() + START_SECONDS
    # Also where the answer is there already, until the last of its processes has gone.
    while is_held(folder / LOCK) or find_errand(errand_id).is_running:
        if time.monotonic() > give_up:
            break
        leader = holder(folder / LOCK) or (child.pid if child and child.poll() is None else None)
        if leader is not None:
            end_group(leader, force=True)
            _wait_until_gone(leader, child)
            break
        time.sleep(POLL)
    _children.pop(errand_id, None)
    files.remove_folder(folder)


def _wait_until_gone(leader: int, child: subprocess.Popen[bytes] | None) -> None:
    give_up = time.monotonic() + END_SECONDS
    while time.monotonic() < give_up:
        if child is not None:
            child.poll()
        if not group_members(leader):
            return
        time.sleep(POLL)


def errand_folder(errand_id: str) -> Path:
    """Where an errand of that name lies or would lie; raises NotFoundError where it is no name."""
    if not (errand_id.isascii() and errand_id.isalnum()):
        raise NotFoundError("There is no work of that name.")
    return files.home() / "tmp" / errand_id


def is_at_work(folder: Path) -> bool:
    """Whether a folder belongs to an errand that runs, so that nobody may clear it away."""
    return is_held(folder / LOCK)


def write_json(path: Path, value: Any) -> None:
    """Write so that a reader sees the old or the new one, never a half."""
    part = path.with_name(f"{path.name}.{threading.get_ident()}")
    part.write_text(json.dumps(value), encoding="utf-8")
    part.replace(path)


def read_json(path: Path) -> Any:
    """What is written there, or None."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
