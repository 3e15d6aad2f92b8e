"""Labels of the examples that a model has learned from, judged by those it finds alike.

Runs where the models are loaded, some seconds per question; the last one writes the result.
"""

import numpy as np

from backend.errors import UsageError
from backend.inference.alike import searched, vectors
from backend.inference.predictor import load_predictor
from backend.models.explaining import measure
from backend.scores.results import TRAINING, TestResults, save_results
from backend.scores.votes import judged

MOST_JUDGED = 10_000
JUDGE_SECONDS = 1.5
"""So long a question may take; the next one goes on from there."""


def judge(run_id: int) -> tuple[int, int]:
    """How many examples were looked at so far, and how many there are to look at.

    Once these are alike, what their neighbours say of each is kept for load_results(). Raises
    UsageError where the model finds nothing alike, NotFoundError where the data set is gone.
    """
    predictor = load_predictor(run_id)
    known = searched(run_id, predictor)
    if known.store.target != "class":
        raise UsageError("Only examples that are sorted into classes have labels to be judged.")
    # A random part of very large sets: the training part comes first in the order.
    upto = min(len(known.order), MOST_JUDGED)
    if known.count < upto:
        first = [known.value(int(known.order[known.count]))]
        found, seconds = measure(lambda: vectors(predictor, first))
        if found is None:
            raise UsageError("This model cannot tell which examples are alike.")
        known.go_on(upto, JUDGE_SECONDS, seconds)
    if known.count >= upto:
        numbers = known.order[:upto]
        labels = known.store.labels[numbers].astype(np.int64)
        classes = list(known.dataset.classes)
        outcomes = judged(known.vectors[:upto].numpy(), labels, numbers, len(classes))
        results = TestResults(predictor.checkpoint.step, outcomes, classes=classes)
        save_results(run_id, results, TRAINING)
    return min(known.count, upto), upto
