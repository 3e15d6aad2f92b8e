"""Whether the system has killed for lack of memory: what it counts, read by the supervisor."""

import time
from collections import deque
from pathlib import Path

# From the decision to kill until the process is gone: much memory takes a while to give back.
WINDOW_SECONDS = 30.0
_CGROUPS = Path("/sys/fs/cgroup")


class MemoryKills:
    """Remembers the system's count over the last half minute."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def look(self) -> None:
        """Read the count, as often as the supervisor looks at anything."""
        count, now = count_kills(), time.monotonic()
        if count is None:
            return
        self._seen.append((now, count))
        while len(self._seen) > 1 and self._seen[1][0] < now - WINDOW_SECONDS:
            self._seen.popleft()

    def happened(self) -> bool:
        """Whether a process of our group was killed for memory lately, as far as it is known."""
        self.look()
        return bool(self._seen) and self._seen[-1][1] > self._seen[0][1]


def count_kills() -> int | None:
    """Processes of our control group, or else of this computer, killed for memory so far."""
    for path in _counters():
        try:
            lines = path.read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            name, _, value = line.partition(" ")
            if name == "oom_kill" and value.isdigit():
                return int(value)
    return None


def _counters() -> list[Path]:
    """Where Linux counts, the narrowest first: the first and second kind of groups, everything."""
    found = []
    try:
        groups = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    for line in groups:
        _, controllers, path = line.split(":", 2)
        inside = path.lstrip("/")
        if "memory" in controllers.split(","):
            found.append(_CGROUPS / "memory" / inside / "memory.oom_control")
        elif not controllers:
            # A container's own group may look like its root.
            found += [_CGROUPS / inside / "memory.events", _CGROUPS / "memory.events"]
    return [*found, Path("/proc/vmstat")]
