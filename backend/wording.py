"""Numbers in words, for messages that backend, pages and command line share."""

import math


def duration(seconds: float | None) -> str:
    """12 s, 3 min 20 s, 2 h 5 min, 3 days; a dash where it is not known."""
    if seconds is None or not math.isfinite(seconds):
        return "–"
    whole = round(max(0.0, seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole < 600 else f"{whole // 60} min"
    if whole < 48 * 3600:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} days"


def device_words(device: str | None) -> str:
    """Where something is computed: the processor, the graphics card (cuda:0)."""
    if not device or device == "cpu":
        return "the processor"
    return "Apple graphics" if device == "mps" else f"the graphics card ({device})"


def spelt_out(seconds: float) -> str:
    """A duration within a sentence: 12 seconds, 3 minutes, 2 hours 5 minutes."""
    whole = round(max(0.0, seconds))
    if whole < 1:
        return "less than a second"
    if whole < 60:
        return _count(whole, "second")
    minutes = round(whole / 60)
    if minutes < 60:
        return _count(minutes, "minute")
    rest = minutes % 60
    return _count(minutes // 60, "hour") + (f" {_count(rest, 'minute')}" if rest else "")


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def about(seconds: float) -> str:
    """An estimate as people say it: about 40 seconds, about 2½ minutes, about 3 hours."""
    if seconds < 1.5:
        return "about a second"
    if seconds < 10:
        return f"about {round(seconds)} seconds"
    if seconds < 87:
        return f"about {5 * round(seconds / 5)} seconds"
    if seconds < 87 * 60:
        return f"about {_rounded(seconds / 60, 4)} minutes"
    if seconds < 48 * 3600:
        return f"about {_rounded(seconds / 3600, 10)} hours"
    return f"about {_rounded(seconds / 86400, 10)} days"


def _rounded(count: float, halves: float) -> str:
    """With halves below `halves`, whole below twenty, and in steps of five from there on."""
    if count >= 20:
        return f"{5 * round(count / 5)}"
    whole, half = divmod(round(2 * count), 2) if count < halves else (round(count), 0)
    return f"{whole or ''}{'½' if half else ''}"


def megabytes(size: float) -> str:
    """Megabytes with the unit that fits."""
    if size >= 1024:
        return f"{size / 1024:.1f} GB"
    if size < 0.1:
        return f"{max(1, round(1024 * size))} kB"
    return f"{size:.0f} MB" if size >= 10 else f"{size:.1f} MB"


def kilowatt_hours(energy: float) -> str:
    """0.02 kWh, or that it is less than what is worth a number."""
    return "less than 0.001 kWh" if energy < 0.001 else f"{energy:.2g} kWh"
