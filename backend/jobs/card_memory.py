"""Whether a dead process's graphics memory is free again; asked by the supervisor."""

import time

from storage.records import Attempt

FREE = "The graphics card's memory is free again."
STUCK = (
    "The graphics card's memory is still taken by a process that has ended. If the next training "
    "finds too little, restart the computer."
)


class CardWatch:
    """Sees to it that a slot is given away only once the card is free of the one before."""

    def __init__(self, seconds: float) -> None:
        """seconds: how long a card's driver may take to clear up."""
        self._seconds = seconds
        self._since: dict[int, float] = {}

    def release(self, attempt: Attempt) -> str | None:
        """A sentence once the attempt's memory is free, or not within its time; None before.

        An empty one where there is no card, or where nobody can tell.
        """
        if not attempt.device.startswith("cuda"):
            return ""
        holders = card_holders()
        if holders is None:
            return ""
        now = time.monotonic()
        waited = now - self._since.setdefault(attempt.run_id, now)
        if attempt.pid in holders and waited < self._seconds:
            return None
        del self._since[attempt.run_id]
        return STUCK if attempt.pid in holders else FREE


def card_holders() -> set[int] | None:
    """Process numbers that have memory on any NVIDIA card; None where that cannot be told.

    In a container the numbers may be those outside of it: then nobody of ours is among them.
    """
    try:
        import pynvml

        pynvml.nvmlInit()
        try:
            cards = [
                pynvml.nvmlDeviceGetHandleByIndex(index)
                for index in range(pynvml.nvmlDeviceGetCount())
            ]
            return {
                int(process.pid)
                for card in cards
                for process in pynvml.nvmlDeviceGetComputeRunningProcesses(card)
            }
        finally:
            pynvml.nvmlShutdown()
    except Exception:
        # No driver, no library, no permission: nothing is known.
        return None
