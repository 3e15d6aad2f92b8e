"""Starting, recognising and ending processes; the supervisor's and the inference child's tools."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
# A log that is longer when a process starts is put aside, in place of the one before.
LOG_BYTES = 1_000_000
# psutil computes start times from ticks: two readings may differ a little.
START_TOLERANCE = 2.0


def start_detached(command: Sequence[str], log: Path, *, nice: int = 0) -> subprocess.Popen[bytes]:
    """Start a process that outlives its parent's terminal and server, its output in a file.

    It leads a session and a process group of its own; nice > 0 lets others go first.
    """
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_name(f"{log.name}.1"))
    with log.open("ab") as output:
        process = subprocess.Popen(
            list(command),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
    if nice:
        with contextlib.suppress(psutil.Error, OSError, ValueError):
            psutil.Process(process.pid).nice(nice)
    return process


def module_command(module: str, *arguments: str) -> list[str]:
    """The command line that runs one of this project's modules with this Python."""
    return [sys.executable, "-m", module, *arguments]


def started_at(pid: int | None = None) -> float:
    """When a process (this one by default) was started, in unix seconds."""
    return float(psutil.Process(pid).create_time())


def is_same_process(pid: int, started: float) -> bool:
    """Whether the process of that number is the one that was started then, and no zombie."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return abs(process.create_time() - started) < START_TOLERANCE
    except psutil.Error:
        return False


def group_members(leader: int) -> list[int]:
    """The living processes of a group that start_detached founded, the leader included."""
    if os.name == "nt":
        try:
            found = [psutil.Process(leader)]
        except psutil.Error:
            return []
        return [process.pid for process in [*found, *found[0].children(recursive=True)]]
    members = []
    for process in psutil.process_iter(["status"]):
        with contextlib.suppress(OSError):
            in_group = os.getpgid(process.pid) == leader
            if in_group and process.info["status"] != psutil.STATUS_ZOMBIE:
                members.append(process.pid)
    return members


def end_group(leader: int, *, force: bool) -> None:
    """Ask a group to end (SIGTERM), or with force end it (SIGKILL)."""
    if os.name == "nt":
        for pid in reversed(group_members(leader)):
            with contextlib.suppress(psutil.Error):
                psutil.Process(pid).kill()
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL if force else signal.SIGTERM)
