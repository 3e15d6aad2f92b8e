"""Why a model answered as it did: the task's own parts, and training examples that are alike.

Runs where the models are loaded: in the inference process, or in the command line's own.
"""

import time
from typing import Any

from torch.nn import functional as F  # noqa: N812 - its name everywhere

from backend.errors import TrainroomError, UsageError
from backend.inference import Explanation
from backend.inference.alike import searched, vectors
from backend.inference.predictor import Predictor, ready_predictor
from backend.models.explaining import measure
from backend.tasks.base import Value

NEAREST = 6
"""So many training examples are shown."""
MOST_SEARCHED = 5000
SEARCH_SECONDS = 0.6
"""So long a question may take to look at further examples; the next question goes on from there."""
DIGITS = 4


def explain(run_id: int, value: Value, which: str, about: str | None = None) -> Explanation:
    """The parts of an explanation (backend/models/explaining.py), and how long they took.

    Raises UsageError where the model's task explains nothing.
    """
    predictor = ready_predictor(run_id, [value], which)
    task = predictor.task
    if not task.explains:
        raise UsageError(f"{task.title} cannot say why it answers as it does.")
    begun = time.perf_counter()
    parts = list(task.explain(predictor.model, predictor.processor, value, predictor.device, about))
    parts += _nearest(run_id, predictor, value)
    return Explanation(parts, time.perf_counter() - begun, predictor.checkpoint.step)


def _nearest(run_id: int, predictor: Predictor, value: Value) -> list[dict[str, Any]]:
    """The training examples that the model finds most alike; nothing where it cannot tell."""
    try:
        known = searched(run_id, predictor)
    except TrainroomError:  # the data set is gone
        return []
    asked, seconds = measure(lambda: vectors(predictor, [value]))
    if asked is None or not known.training:
        return []
    known.go_on(min(known.training, MOST_SEARCHED), SEARCH_SECONDS, seconds)
    count = min(known.count, known.training)
    alike = F.cosine_similarity(known.vectors[:count], asked)
    best = alike.argsort(descending=True, stable=True)[:NEAREST].tolist()
    labels, classes = known.store.labels, known.dataset.classes
    by_class = known.store.target == "class"
    examples = [
        {
            "example": int(known.order[place]),
            "similarity": round(float(alike[place]), DIGITS),
            "label": classes[labels[known.order[place]]] if by_class else None,
        }
        for place in best
    ]
    return [
        {"kind": "nearest", "examples": examples, "searched": count, "of": known.training}
    ]  # fmt: skip
