"""What the examples most alike to an example say that it is; their votes judge its label.

For examples that a model has learned from: what it answers to them it may know by heart, but
whether those it finds alike carry the same label it was never told.
"""

import numpy as np
from numpy.typing import NDArray

from backend.scores.mistakes import Answers, Rows
from backend.scores.outcomes import Outcomes

NEIGHBOURS = 10
ROWS_AT_ONCE = 1024


def votes(
    vectors: NDArray[np.float32], labels: NDArray[np.int64], classes: int, count: int = NEIGHBOURS
) -> NDArray[np.float32]:
    """The share of each class among the `count` examples most alike to each one, [n, classes].

    vectors: [n, width], compared by the cosine of their angle. labels: numbers of classes, [n].
    An example has no vote on itself. Of a single example nothing is known: all shares are 0.
    """
    size = len(vectors)
    shares = np.zeros((size, classes), np.float32)
    count = min(count, size - 1)
    if count < 1:
        return shares
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
    for start in range(0, size, ROWS_AT_ONCE):
        alike = unit[start : start + ROWS_AT_ONCE] @ unit.T
        rows = np.arange(len(alike))
        alike[rows, start + rows] = -np.inf
        nearest = np.argpartition(-alike, count - 1, axis=1)[:, :count]
        np.add.at(shares, (start + np.repeat(rows, count), labels[nearest].ravel()), 1 / count)
    return shares


def judged(
    vectors: NDArray[np.float32],
    labels: NDArray[np.int64],
    examples: NDArray[np.int64],
    classes: int,
) -> Outcomes:
    """What the votes on each example are, as outcomes: the answer is the class with the most.

    Where its own label has as many votes as another one, it is the answer. examples: their
    numbers in the data set, [n].
    """
    shares = votes(vectors, labels, classes)
    rows = np.arange(len(shares))
    own = shares[rows, labels]
    most = shares.argmax(axis=1)
    answer = np.where(own >= shares[rows, most], labels, most).astype(np.int64)
    right = (answer == labels).astype(np.float32)
    return Outcomes({"agrees": right}, None, labels, answer, own, shares[rows, answer], examples)


def outvoted(answers: Answers) -> Rows:
    """Examples whose label is probably wrong, the clearest first: most votes are for one other.

    More than half is asked for, not what is usual for a class as confident learning does: of
    labels changed on purpose that found a fifth to four fifths more (docs/explanations.md).
    """
    found = np.flatnonzero((answers.answer != answers.truth) & (answers.share > 0.5))
    margin = answers.share[found] - answers.truth_share[found]
    return found[np.argsort(-margin, kind="stable")]
