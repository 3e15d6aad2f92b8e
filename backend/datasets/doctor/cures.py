"""Carries out what the button beside a finding offers: a new version without the trouble."""

import re
from collections.abc import Callable

import numpy as np

from backend.datasets import edits
from backend.datasets.doctor.checks.boxes import LEAST_SIDE, repeated_boxes
from backend.datasets.doctor.checks.classes import plain_name
from backend.datasets.doctor.finding import Cure, Finding
from backend.datasets.doctor.private import mask
from backend.datasets.shares import Shares, change_shares
from backend.datasets.store import BOX, Store
from backend.errors import UsageError
from storage.records import Dataset

REMOVED = "…"
_WORD = re.compile(r"\w+")


def carry_out(dataset: Dataset, finding: Finding) -> Dataset:
    """The new version that a finding's cure makes of the one that it was found on.

    Raises UsageError where there is no cure, or it is no change of the data ("setting").
    """
    cure = finding.cure
    if cure is None or cure.kind not in _CURES:
        raise UsageError("There is nothing that can be done about this by a button.")
    return _CURES[cure.kind](dataset, finding, cure)


def _drop(dataset: Dataset, finding: Finding, cure: Cure) -> Dataset:
    return edits.drop(dataset, cure.indices, WHY.get(finding.kind, cure.button.lower()))


WHY = {
    "copies": "copies",
    "conflicting-labels": "in several classes",
    "conflicting-labels-near": "in several classes",
    "classes-small": "classes that are too small",
    "texts-empty": "without a word",
    "texts-short": "too short",
    "texts-foreign": "in another language",
    "pictures-blank": "blank",
    "pictures-tiny": "tiny",
    "pictures-odd-shape": "of an odd shape",
    "pairs-same": "the same on both sides",
    "pairs-unequal": "of very unequal length",
    "ratings-twice": "given again",
    "sounds-silent": "silent",
    "sounds-short": "too short",
}
"""What stands in the history for each kind of finding."""


def _move(dataset: Dataset, finding: Finding, cure: Cure) -> Dataset:
    words = f"Put {len(cure.indices):,} copies into the part that the others are in."
    return edits.move_each(dataset, cure.indices, cure.splits, words)


def _merge(dataset: Dataset, finding: Finding, cure: Cure) -> Dataset:
    return edits.merge_groups(dataset, cure.values["groups"])


def _shares(dataset: Dataset, finding: Finding, cure: Cure) -> Dataset:
    return change_shares(dataset, Shares(*cure.values["shares"]))


def _mask(dataset: Dataset, finding: Finding, cure: Cure) -> Dataset:
    names, regions = tuple(cure.values["secrets"]), tuple(cure.values["regions"])
    title = finding.kind.removeprefix("private-")
    return _change_texts(
        dataset, cure, lambda text: mask(text, names, regions), f"Masked what looks like {title}"
    )


def _words(dataset: Dataset, finding: Finding, cure: Cure) -> Dataset:
    """Whole words only, whatever their case and accents."""
    unwanted = set(cure.values["words"])

    def without(text: str) -> str:
        return _WORD.sub(
            lambda match: REMOVED if plain_name(match[0]) in unwanted else match[0], text
        )

    listed = ", ".join(sorted(unwanted)[:4])
    return _change_texts(dataset, cure, without, f"Took the words {listed} out")


def _change_texts(
    dataset: Dataset, cure: Cure, change: Callable[[str], str], summary: str
) -> Dataset:
    store = Store.open(dataset)
    texts, targets = {}, {}
    for index in cure.indices.tolist():
        before = store.text(index)
        if (after := change(before)) != before:
            texts[index] = after
        if store.target == "text":
            before = store.target_text(index)
            if (after := change(before)) != before:
                targets[index] = after
    count = len(texts.keys() | targets.keys())
    examples = f"{count:,} text{'' if count == 1 else 's'}"
    return edits.replace_texts(dataset, texts, f"{summary} of {examples}.", targets)


def _boxes(dataset: Dataset, finding: Finding, cure: Cure) -> Dataset:
    """Cut to the picture, without those that have no area or stand twice."""
    store = Store.open(dataset)
    shapes = store.shapes()
    changed = {}
    for index in cure.indices.tolist():
        corners, labels = store.boxes(index)
        boxes = np.zeros(len(labels), BOX)
        boxes["corners"], boxes["label"] = corners, labels
        height, width, _ = shapes[index].tolist()
        corners = boxes["corners"]
        corners[:, [0, 2]] = corners[:, [0, 2]].clip(0, width)
        corners[:, [1, 3]] = corners[:, [1, 3]].clip(0, height)
        flat = ((corners[:, 2:] - corners[:, :2]) < LEAST_SIDE).any(axis=1)
        boxes = boxes[~flat]
        order = np.argsort(boxes["label"], kind="stable")
        boxes = boxes[order]
        changed[index] = boxes[~repeated_boxes(boxes, np.zeros(len(boxes), np.int64))]
    words = f"Put the boxes of {len(changed):,} picture{'' if len(changed) == 1 else 's'} right."
    return edits.replace_boxes(dataset, changed, words)


_CURES: dict[str, Callable[[Dataset, Finding, Cure], Dataset]] = {
    "drop": _drop,
    "move": _move,
    "merge": _merge,
    "mask": _mask,
    "words": _words,
    "boxes": _boxes,
    "shares": _shares,
}
