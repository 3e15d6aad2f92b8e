"""Which checks there are: every module of the package `checks` registers its own."""

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

from backend.datasets.doctor.finding import Finding
from backend.datasets.doctor.subject import Subject

Look = Callable[[Subject], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class Check:
    """One kind of check: its name, what the user is told while it runs, what it is for.

    items, targets: names of backend.datasets.formats, where it looks at these only. first: lower
    ones come first; what is quick and what others build on.
    """

    name: str
    title: str
    look: Look
    items: tuple[str, ...]
    targets: tuple[str, ...]
    first: int

    def fits(self, subject: Subject) -> bool:
        return (not self.items or subject.store.kind in self.items) and (
            not self.targets or subject.store.target in self.targets
        )


_checks: dict[str, Check] = {}


def check(
    name: str,
    title: str,
    *,
    items: tuple[str, ...] = (),
    targets: tuple[str, ...] = (),
    first: int = 5,
) -> Callable[[Look], Look]:
    """Decorator that makes a function a check; a name that is taken raises ValueError."""

    def register(look: Look) -> Look:
        if name in _checks:
            raise ValueError(f"a check called {name!r} is registered already")
        _checks[name] = Check(name, title, look, items, targets, first)
        return look

    return register


@cache
def _discover() -> None:
    package = importlib.import_module("backend.datasets.doctor.checks")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"backend.datasets.doctor.checks.{module.name}")


def list_checks() -> list[Check]:
    """Every check there is, in the order in which they run."""
    _discover()
    return sorted(_checks.values(), key=lambda one: (one.first, one.name))
