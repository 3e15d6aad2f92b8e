"""Classes: too small, missing in a part, called almost the same, or of very uneven size."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from backend.datasets.doctor.finding import Cure, Finding, counted
from backend.datasets.doctor.registry import check
from backend.datasets.doctor.subject import PARTS, Subject
from backend.datasets.skips import shown
from backend.datasets.splits import TEST, TRAIN, VALIDATION

FEW, TOO_FEW = 10, 3
UNEVEN, VERY_UNEVEN = 5, 20
"""How many times as many examples the largest class has."""
NAMED = 5
SHORT, LONG = 5, 9
"""Letters of a name from which on one or two of them may be a slip of the finger."""
RARER = 5
"""How many times rarer a slip is than what was meant."""
_DIGITS = re.compile(r"\d+")


@check("classes", "Looking at the classes", targets=("class", "boxes"), first=1)
def classes(subject: Subject) -> Iterable[Finding]:
    if not subject.classes:
        return
    counts = class_table(subject)
    yield from _alike(subject, counts.sum(axis=1))
    yield from _small(subject, counts)
    if subject.has_classes:
        yield from _missing(subject, counts)
        yield from _uneven(subject, counts[:, TRAIN])


def class_table(subject: Subject) -> NDArray[np.int64]:
    """Examples, or boxes, of each class in each part, [classes, 3]."""
    labels, splits = subject.labels, subject.splits
    if subject.store.target == "boxes":
        boxes, owners = subject.store.all_boxes()
        kept = np.isin(owners, subject.present)
        labels = boxes["label"][kept].astype(np.int64)
        splits = subject.store.splits[owners[kept]]
    size = 3 * len(subject.classes)
    return np.bincount(labels * 3 + splits, minlength=size).reshape(-1, 3)


def _alike(subject: Subject, totals: NDArray[np.int64]) -> Iterable[Finding]:
    """Names that differ by case, spaces, accents or signs, then those that look like a slip."""
    names = subject.classes
    same = defaultdict(list)
    for number, name in enumerate(names):
        same[plain_name(name)].append(number)
    groups = [group for key, group in same.items() if len(group) > 1 and key]
    if groups:
        yield _merge(
            subject, totals, groups, "labels-alike", "problem",
            "differ only by case, spaces, accents or signs, and are probably meant to be one",
        )  # fmt: skip
    taken = {number for group in groups for number in group}
    slips = defaultdict(list)
    for often, rare in _slips(names, totals):
        if rare not in taken:
            slips[often].append(rare)
    if slips:
        yield _merge(
            subject, totals, [[often, *rare] for often, rare in slips.items()],
            "labels-misspelt", "warning",
            "differ by a letter or two, and the rarer one is probably a slip of the finger",
        )  # fmt: skip


def plain_name(name: str) -> str:
    """A label's letters and digits alone, in lower case and without accents."""
    text = unicodedata.normalize("NFKD", name).casefold()
    return "".join(sign for sign in text if sign.isalnum())


def _slips(names: list[str], totals: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Pairs of a frequent and a rare class whose names are nearly the same."""
    plain = [plain_name(name) for name in names]
    order = np.argsort(-totals, kind="stable").tolist()
    found, used = [], set()
    for place, rare in reversed(list(enumerate(order))):
        for often in order[:place]:
            if totals[often] < RARER * totals[rare] or rare in used:
                break
            if _is_slip(plain[rare], plain[often]):
                found.append((often, rare))
                used.add(rare)
    return found


def _is_slip(rare: str, often: str) -> bool:
    """Whether one may have been typed for the other; not where a number or a prefix differs."""
    shorter = min(len(rare), len(often))
    if shorter < SHORT or _DIGITS.findall(rare) != _DIGITS.findall(often):
        return False
    if rare.endswith(often) or often.endswith(rare):  # typical and atypical
        return False
    most = 2 if shorter >= LONG else 1
    return abs(len(rare) - len(often)) <= most and edit_distance(rare, often) <= most


def edit_distance(one: str, other: str) -> int:
    """Letters to put in, leave out, exchange or swap with the next (Damerau, 1964)."""
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        row = [i]
        for j, wanted in enumerate(other, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]


def _merge(
    subject: Subject,
    totals: NDArray[np.int64],
    groups: list[list[int]],
    kind: str,
    severity: str,
    words: str,
) -> Finding:
    names = subject.classes
    into = {names[max(group, key=lambda one: totals[one])]: group for group in groups}
    listed = "; ".join(
        " / ".join(f"{shown(names[one])} ({totals[one]:,})" for one in group)
        for group in groups[:NAMED]
    )
    count = sum(len(group) for group in groups)
    rare = [one for name, group in into.items() for one in group if names[one] != name]
    return Finding(
        kind,
        severity,  # type: ignore[arg-type]
        f"{count} classes {words}: {listed}{' ...' if len(groups) > NAMED else ''}.",
        count,
        flagged=_examples_of(subject, rare),
        rows=[
            {"class": names[one], "count": int(totals[one])} for group in groups for one in group
        ],
        cure=Cure(
            "merge",
            "Merge the labels",
            f"Each becomes one class: {', '.join(shown(name) for name in list(into)[:NAMED])}.",
            values={
                "groups": {name: [names[one] for one in group] for name, group in into.items()}
            },
        ),
    )


def _examples_of(subject: Subject, numbers: list[int]) -> NDArray[np.int64]:
    if subject.store.target == "boxes":
        boxes, owners = subject.store.all_boxes()
        mine = np.unique(owners[np.isin(boxes["label"], numbers)])
        return mine[np.isin(mine, subject.present)]
    return subject.present[np.isin(subject.labels, numbers)]


def _small(subject: Subject, counts: NDArray[np.int64]) -> Iterable[Finding]:
    train = counts[:, TRAIN]
    small = np.flatnonzero(train < FEW)
    if not len(small):
        return
    small = small[np.argsort(train[small], kind="stable")]
    boxed = subject.store.target == "boxes"
    unit = "box" if boxed else subject.unit
    many = "boxes" if boxed else f"{unit}s"
    listed = ", ".join(f"{shown(subject.classes[one])} ({train[one]})" for one in small[:NAMED])
    more = " ..." if len(small) > NAMED else ""
    indices = _examples_of(subject, small.tolist())
    left = len(subject.classes) - len(small)
    cure = None
    if left >= 2 and not boxed and len(indices):
        cure = Cure(
            "drop",
            "Leave these classes out",
            f"{counted(len(indices), unit, many)} are left out, and {left} classes stay.",
            indices=indices,
        )
    yield Finding(
        "classes-small",
        "problem" if train[small[0]] < TOO_FEW else "warning",
        f"{counted(len(small), 'class', 'classes')} of {len(subject.classes)} "
        f"{'has' if len(small) == 1 else 'have'} fewer than {FEW} {many} to learn from: "
        f"{listed}{more}. So small a class is hardly ever found; add to it, or leave it out.",
        len(small),
        flagged=indices,
        rows=[{"class": subject.classes[one], "count": int(train[one])} for one in small[:100]],
        cure=cure,
    )


def _missing(subject: Subject, counts: NDArray[np.int64]) -> Iterable[Finding]:
    """Classes that nobody can tell are learnt, because the test or validation has none."""
    known = counts[:, TRAIN] > 0
    for split in (TEST, VALIDATION):
        gone = np.flatnonzero(known & (counts[:, split] == 0))
        if not len(gone):
            continue
        enough = bool((counts[gone].sum(axis=1) >= TOO_FEW).all())
        listed = ", ".join(shown(subject.classes[one]) for one in gone[:NAMED])
        yield Finding(
            f"classes-missing-in-{PARTS[split]}",
            "warning" if len(gone) > 0.1 * len(subject.classes) else "hint",
            f"The {PARTS[split]} part has no example of {counted(len(gone), 'class', 'classes')}: "
            f"{listed}{' ...' if len(gone) > NAMED else ''}. Its score says nothing about them.",
            len(gone),
            flagged=_examples_of(subject, gone.tolist()),
            rows=[{"class": subject.classes[one]} for one in gone[:100]],
            cure=Cure(
                "shares",
                "Divide anew",
                "All examples are divided anew, 80 / 10 / 10 %, each class into all parts.",
                values={"shares": [80, 10, 10]},
            )
            if enough
            else None,
        )


def _uneven(subject: Subject, train: NDArray[np.int64]) -> Iterable[Finding]:
    present = np.flatnonzero(train >= TOO_FEW)
    if len(present) < 2:
        return
    largest, smallest = present[train[present].argmax()], present[train[present].argmin()]
    ratio = train[largest] / train[smallest]
    if ratio < UNEVEN:
        return
    often, rare = shown(subject.classes[largest]), shown(subject.classes[smallest])
    yield Finding(
        "classes-uneven",
        "warning" if ratio >= VERY_UNEVEN else "hint",
        f"{often} has {train[largest]:,} {subject.unit}s to learn from, {rare} only "
        f"{train[smallest]:,}: {ratio:.0f} times as many. A model can look good and still miss the "
        "small classes; look at F1, or let them count as much as the large ones.",
        len(present),
        rows=[
            {"class": subject.classes[one], "count": int(train[one])}
            for one in present[np.argsort(-train[present], kind="stable")][:100]
        ],
        cure=Cure(
            "setting",
            "Use class weights in the next run",
            "Opens a new run in which mistakes on small classes count more.",
            values={"settings": {"class_balance": "weights"}},
        ),
    )
