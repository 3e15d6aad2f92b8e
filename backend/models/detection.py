"""What the detection task computes: losses, what was found, mean average precision, answers."""

import base64
import contextlib
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from backend.models.box_processing import BoxProcessor, BoxSplit, Target
from backend.scores.naive import Naive
from backend.scores.outcomes import Outcomes

Found = dict[str, Tensor]
PART = 8
"""Pictures at once where somebody asks: detectors need much memory for each."""
SHOWN = 6
"""Pictures of the validation split whose boxes are kept at each evaluation."""
SHOWN_SCORE, SHOWN_BOXES, SHOWN_SIDE = 0.3, 20, 320


def compute_detection(model: Any, batch: Mapping[str, Any], *, train: bool) -> dict[str, Any]:
    """The loss of a batch; where nothing is learnt also what is found, and the seconds it took."""
    images, sizes, targets = batch["images"], batch["sizes"], batch["targets"]
    if train:
        with _alone(model, len(images)):
            return {"loss": model(images, sizes, targets)}
    loss, found, seconds = model.measure(images, sizes, targets)
    return {"loss": loss, "found": found, "seconds": seconds}


@contextlib.contextmanager
def _alone(model: nn.Module, count: int) -> Any:
    """Batch norm cannot take the mean of a single value: the last batch may be one picture."""
    norms = [
        part for part in model.modules() if count == 1 and isinstance(part, nn.BatchNorm2d)
        and part.training
    ]  # fmt: skip
    for norm in norms:
        norm.training = False
    yield
    for norm in norms:
        norm.training = True


class DetectionMeter:
    """Mean average precision of a split and the time per picture (backend.tasks.base.Meter)."""

    def __init__(self, classes: int) -> None:
        self.classes = classes
        self.found: list[Found] = []
        self.targets: list[Target] = []
        self.seconds = 0.0

    def add(self, result: Mapping[str, Any], batch: Mapping[str, Any]) -> None:
        self.found += [{name: v.cpu() for name, v in one.items()} for one in result["found"]]
        self.targets += [{name: v.cpu() for name, v in one.items()} for one in batch["targets"]]
        self.seconds += result["seconds"]

    def compute(self) -> dict[str, float]:
        scores = average_precision(self.found, self.targets, self.classes)
        return {**scores, "picture_ms": 1000 * self.seconds / max(1, len(self.found))}

    def outcomes(self) -> Outcomes:
        return Outcomes(values=picture_precision(self.found, self.targets, self.classes))


def average_precision(
    found: Sequence[Found], targets: Sequence[Target], classes: int
) -> dict[str, float]:
    """COCO's mean average precision: over overlaps of 50 to 95 % ("map"), at 50 % ("map50").

    Computed by pycocotools, the reference of the COCO challenge (Lin et al., 2014); at most 100
    boxes of a picture count. 0 where nothing was found, or there was nothing to find.
    """
    evaluation = _match(found, targets, classes)
    if evaluation is None:
        return {"map": 0.0, "map50": 0.0}
    with contextlib.redirect_stdout(io.StringIO()):  # it prints a table
        evaluation.accumulate()
    precision = evaluation.eval["precision"][..., 0, -1]  # every size of box, the most boxes
    return {"map": _mean(precision), "map50": _mean(precision[0])}


def picture_precision(
    found: Sequence[Found], targets: Sequence[Target], classes: int
) -> dict[str, NDArray[np.float32]]:
    """The average precision of each picture by itself, all its classes in one list, [n].

    By the names and over the overlaps of average_precision(); NaN where there is nothing to find.
    """
    there = np.array([len(target["labels"]) for target in targets])
    rows = np.where(there > 0, 0.0, np.nan).astype(np.float32)
    precision = {"map": rows, "map50": rows.copy()}
    evaluation = _match(found, targets, classes)
    if evaluation is None:
        return precision
    # One entry per class, size of box ("all" comes first) and picture.
    sizes = len(evaluation.params.areaRng)
    entries = np.array(evaluation.evalImgs, dtype=object).reshape(classes, sizes, len(targets))
    for number in np.flatnonzero(there):
        matched = [entry for entry in entries[:, 0, number] if entry is not None]
        by_overlap = _ranked_precision(matched, int(there[number]))
        precision["map"][number], precision["map50"][number] = by_overlap.mean(), by_overlap[0]
    return precision


def _ranked_precision(matched: Sequence[Mapping[str, Any]], there: int) -> NDArray[np.float64]:
    """Average precision at each overlap of boxes that were matched class by class, [overlaps].

    Interpolated at 101 recalls, as COCO does.
    """
    hits = np.concatenate([np.asarray(entry["dtMatches"]) > 0 for entry in matched], axis=1)
    scores = np.concatenate([np.asarray(entry["dtScores"]) for entry in matched])
    if not len(scores):
        return np.zeros(len(hits))
    right = hits[:, np.argsort(-scores, kind="stable")].cumsum(axis=1)
    precision = right / np.arange(1, len(scores) + 1)
    best_from_here = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    asked = np.linspace(0, 1, 101)
    sums = []
    for recall, best in zip(right / there, best_from_here, strict=True):
        places = np.searchsorted(recall, asked - 1e-9)
        sums.append(np.append(best, 0.0)[places].mean())
    return np.array(sums)


def _match(found: Sequence[Found], targets: Sequence[Target], classes: int) -> Any:
    """COCO's evaluation with boxes matched to the truth; None where there is nothing to match."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truth, guesses = COCO(), []
    truth.dataset = {
        "images": [{"id": number} for number in range(1, len(targets) + 1)],
        "categories": [{"id": number} for number in range(classes)],
        "annotations": [],
    }
    for number, (one, target) in enumerate(zip(found, targets, strict=True), 1):
        for box, label in zip(_corner_and_size(target), target["labels"].tolist(), strict=True):
            truth.dataset["annotations"].append(
                {
                    "id": len(truth.dataset["annotations"]) + 1, "image_id": number,
                    "category_id": label, "bbox": box, "area": box[2] * box[3], "iscrowd": 0,
                }
            )  # fmt: skip
        rows = zip(
            _corner_and_size(one), one["labels"].tolist(), one["scores"].tolist(), strict=True
        )
        guesses += [
            {"image_id": number, "category_id": label, "bbox": box, "score": score}
            for box, label, score in rows
        ]
    if not guesses or not truth.dataset["annotations"]:
        return None
    with contextlib.redirect_stdout(io.StringIO()):  # it prints a table
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(guesses), "bbox")
        evaluation.evaluate()
    return evaluation


def mean_boxes(train: Sequence[Target], targets: Sequence[Target], classes: list[str]) -> Naive:
    """What guessing the mean training box of each class in every picture gets.

    Each as sure as its class is frequent; boxes in pixels of the canvas, which all pictures share.
    """
    boxes = torch.cat([target["boxes"] for target in train])
    labels = torch.cat([target["labels"] for target in train])
    known = labels.unique()
    guess = {
        "boxes": torch.stack([boxes[labels == label].mean(dim=0) for label in known]),
        "scores": torch.bincount(labels, minlength=len(classes))[known] / len(labels),
        "labels": known,
    }
    found = average_precision([guess] * len(targets), targets, len(classes))
    return Naive("guessing the mean box of each class in every picture", found)


def _mean(precision: NDArray[np.float64]) -> float:
    """Over overlaps, recalls and those classes that there are: -1 stands for the others."""
    known = precision[precision > -1]
    return float(known.mean()) if known.size else 0.0


def _corner_and_size(one: Mapping[str, Tensor]) -> list[list[float]]:
    boxes = one["boxes"].double()
    rows: list[list[float]] = torch.cat([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], 1).tolist()
    return rows


def answers(
    model: Any,
    processor: BoxProcessor,
    inputs: Sequence[bytes],
    device: torch.device,
    least_score: float,
    most_boxes: int,
) -> list[dict[str, Any]]:
    """The boxes of each picture file, in pixels of that picture, best first."""
    from backend.datasets.picture_view import upright_size

    replies = []
    for start in range(0, len(inputs), PART):
        part = inputs[start : start + PART]
        batch, shapes = processor.read(part)
        found = model.find(batch["images"].to(device), batch["sizes"])
        for data, shape, one in zip(part, shapes, found, strict=True):
            height, width = upright_size(data, *shape)
            boxes = processor.from_canvas(one["boxes"], height, width)
            replies.append({"boxes": _rows(one, boxes, processor, least_score, most_boxes)})
    return replies


def _rows(
    one: Found, boxes: list[list[float]], processor: BoxProcessor, least: float, most: int
) -> list[dict[str, Any]]:
    rows = zip(boxes, one["labels"].tolist(), one["scores"].tolist(), strict=True)
    return [
        {"label": processor.classes[label], "score": score, "box": box}
        for box, label, score in rows
        if score >= least
    ][:most]


def boxes_snapshot(
    model: Any, processor: BoxProcessor, validation: BoxSplit, device: torch.device
) -> dict[str, Any]:
    """What is found in a few validation pictures, and what is there, in pixels as stored.

    {"kind": "boxes", "pictures": [{"picture": a JPEG file in base64, "height", "width", "truth":
    [{"label", "box"}], "found": [{"label", "score", "box"}]}]}: whole, as a data set may go.
    """
    positions = torch.arange(min(SHOWN, len(validation)))
    batch = validation.batch(positions, device)
    pictures = []
    for number, target, one in zip(
        validation.indices[: len(positions)].tolist(),
        batch["targets"],
        model.find(batch["images"], batch["sizes"]),
        strict=True,
    ):
        image = validation.store.image(number)
        height, width, _ = image.shape
        truth = zip(
            processor.from_canvas(target["boxes"], height, width),
            target["labels"].tolist(),
            strict=True,
        )
        boxes = processor.from_canvas(one["boxes"], height, width)
        rows = _rows(one, boxes, processor, SHOWN_SCORE, SHOWN_BOXES)
        pictures.append(
            {
                "picture": _jpeg(image),
                "height": height,
                "width": width,
                "truth": [
                    {"label": processor.classes[label], "box": _short(box)} for box, label in truth
                ],
                "found": [
                    {**row, "score": round(row["score"], 3), "box": _short(row["box"])}
                    for row in rows
                ],
            }
        )
    return {"kind": "boxes", "pictures": pictures}


def _jpeg(image: NDArray[np.uint8]) -> str:
    """A small copy in base64: there is one for every picture of every evaluation."""
    picture = Image.fromarray(image.repeat(3, axis=2) if image.shape[2] == 1 else image)
    picture.thumbnail((SHOWN_SIDE, SHOWN_SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=80)
    return base64.b64encode(buffer.getvalue()).decode()


def _short(box: list[float]) -> list[float]:
    return [round(value, 1) for value in box]
