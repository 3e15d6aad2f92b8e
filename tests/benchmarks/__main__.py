"""Runs the benchmarks that are named, or all: `python -m tests.benchmarks [NAME ...] [--keep]`."""

import importlib
import sys

NAMES = (
    "start",
    "server",
    "live",
    "preflight",
    "explaining",
    "throughput",
    "imports",
    "doctor",
    "scores",
    "language",
)


def main(arguments: list[str]) -> int:
    """Options are handed on to each benchmark; returns the exit status."""
    names = [word for word in arguments if not word.startswith("-")]
    options = [word for word in arguments if word.startswith("-")]
    unknown = set(names) - set(NAMES)
    if unknown:
        print(f"No benchmark is called {', '.join(sorted(unknown))}. Known: {', '.join(NAMES)}.")
        return 2
    for name in names or NAMES:
        importlib.import_module(f"tests.benchmarks.{name}").main(options)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
