"""How good neighbours are: the score of the word-embeddings task, for words and for texts."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from backend.models.text_vectors import DECOYS, half_hits
from backend.scores.naive import Naive
from backend.scores.outcomes import Outcomes


class NeighbourMeter:
    """The share of true companions that are the nearest of ten (backend.tasks.base.Meter)."""

    def __init__(self) -> None:
        self.parts: dict[str, list[Tensor]] = {"hits": [], "first": [], "second": []}

    def add(self, result: Mapping[str, Any], batch: Mapping[str, Any]) -> None:
        for name, found in self.parts.items():
            if name in result:
                found.append(result[name].float().cpu())

    def compute(self) -> dict[str, float]:
        hits = self._hits()
        hits = hits[~hits.isnan()]
        return {"neighbours": float(hits.mean()) if len(hits) else 0.0}

    def outcomes(self) -> Outcomes:
        return Outcomes(values={"neighbours": self._hits().numpy()})

    def _hits(self) -> Tensor:
        """1 where the true companion is the nearest; NaN where there is nothing to ask about."""
        if self.parts["first"]:
            return half_hits(torch.cat(self.parts["first"]), torch.cat(self.parts["second"]))
        return torch.cat(self.parts["hits"])


def guessing() -> Naive:
    """What drawing one of the ten that are asked about gets."""
    return Naive("guessing among the ten", {"neighbours": 1 / (1 + DECOYS)})
