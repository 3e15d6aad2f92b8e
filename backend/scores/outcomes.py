"""What became of each example of a split; meters give it, the worker keeps that of the test."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Outcomes:
    """One row per example, [n].

    values: by the name of a metric what each example adds to it, such as 1 for right and 0 for
    wrong; NaN where an example does not count. weights: how much each counts, where not all count
    alike; a metric is then the weighted mean. truth, answer: numbers of classes, where there are
    any. truth_share, answer_share: how likely the model thought these two. examples: the numbers of
    the examples in the data set, or their places in the split where it has no numbers for them.
    """

    values: Mapping[str, NDArray[np.float32]]
    weights: NDArray[np.float32] | None = None
    truth: NDArray[np.int64] | None = None
    answer: NDArray[np.int64] | None = None
    truth_share: NDArray[np.float32] | None = None
    answer_share: NDArray[np.float32] | None = None
    examples: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))

    def __len__(self) -> int:
        return len(next(iter(self.values.values()))) if self.values else 0

    def put_in_order(
        self, positions: NDArray[np.int64], numbers: NDArray[np.int64] | None
    ) -> "Outcomes":
        """The same rows in the order of the split, with the examples' numbers.

        positions: where in the split each row's example stands. numbers: of the split's examples.
        """
        order = np.argsort(positions, kind="stable")
        places = positions[order]
        return replace(self.take(order), examples=places if numbers is None else numbers[places])

    def take(self, rows: NDArray[np.int64]) -> "Outcomes":
        """Only these rows, in this order."""

        def chosen(column: NDArray[np.generic] | None) -> NDArray[np.generic] | None:
            return None if column is None or not len(column) else column[rows]

        return Outcomes(
            {name: column[rows] for name, column in self.values.items()},
            chosen(self.weights),  # type: ignore[arg-type]
            chosen(self.truth),  # type: ignore[arg-type]
            chosen(self.answer),  # type: ignore[arg-type]
            chosen(self.truth_share),  # type: ignore[arg-type]
            chosen(self.answer_share),  # type: ignore[arg-type]
            self.examples[rows] if len(self.examples) else self.examples,
        )
