"""A file lock held for a process's life: who holds it lives; for supervisor, worker and app.

The operating system lets go of it when the process ends, however it ends, at once: a process
number may belong to a zombie or to somebody else by then, and a stopped process holds on.
"""

import contextlib
import os
import sys
import time
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

# Windows locks bytes, and nobody else may read them: far behind the process number.
_WINDOWS_OFFSET = 1 << 20
_RETRY_SECONDS = 0.01

_descriptors: set[int] = set()


def _close_in_child() -> None:
    # A forked data loader shares its parent's lock and would keep it after the parent's death.
    for descriptor in _descriptors:
        with contextlib.suppress(OSError):
            os.close(descriptor)
    _descriptors.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_in_child)


def _try_lock(descriptor: int, *, shared: bool) -> bool:
    try:
        if sys.platform == "win32":
            os.lseek(descriptor, _WINDOWS_OFFSET, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            # Two probes at a time must not take each other for the owner: they share.
            mode = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
            fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


class ProcessLock:
    """An exclusive lock on a file, which stays and tells its owner's number and system start."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self, timeout: float = 0.5) -> bool:
        """Take the lock; False where another process still holds it after timeout seconds.

        The time-out is for probes, which hold it for microseconds.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
        give_up = time.monotonic() + timeout
        while not _try_lock(descriptor, shared=False):
            if time.monotonic() >= give_up:
                os.close(descriptor)
                return False
            time.sleep(_RETRY_SECONDS)
        _descriptors.add(descriptor)
        self._descriptor = descriptor
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, f"{os.getpid()} {system_start()}".encode())
        return True

    def release(self) -> None:
        """Let go; nothing happens where it is not held."""
        if self._descriptor is not None:
            _descriptors.discard(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock; never waits, never creates the file."""
    try:
        descriptor = os.open(path, os.O_RDWR | getattr(os, "O_CLOEXEC", 0))
    except OSError:
        return False
    try:
        return not _try_lock(descriptor, shared=True)
    finally:
        os.close(descriptor)


def holder(path: Path) -> int | None:
    """The process number written by the lock's owner, or None where nobody holds it."""
    if not is_held(path):
        return None
    try:
        return int(path.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None


def system_start() -> str:
    """What changes with every start of the computer or container, and with nothing else.

    Empty where the system does not tell; times are no substitute, because clocks are set.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        # A container starts anew without its computer: when its first process began, in ticks
        # since the computer's start. The name before it, in brackets, may hold anything.
        began = Path("/proc/1/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
    return f"{boot}:{began}"


def written_start(path: Path) -> str:
    """The system start in which the lock was taken last; empty where that is not known."""
    try:
        return path.read_text().partition(" ")[2].strip()
    except (OSError, ValueError):
        return ""
