"""COCO's scores on worked examples, and one path from training's evaluation to a user's answer."""

from pathlib import Path

import numpy as np
import pytest
import torch

from backend.datasets.images import encode_png
from backend.datasets.store import Store
from backend.models.detection import (
    SHOWN,
    average_precision,
    mean_boxes,
    picture_precision,
)
from backend.tasks import get_task
from backend.tasks.object_detection import DetectionOptions
from backend.training.config import config_from
from backend.training.evaluation import evaluate
from tests.backend.tasks.samples import boxes_dataset

CPU = torch.device("cpu")
MODEL = "fasterrcnn_mobilenet_v2_fpn"
Row = tuple[int, tuple[float, float, float, float]]


def truth(*rows: Row) -> dict[str, torch.Tensor]:
    boxes = torch.tensor([box for _, box in rows]).reshape(-1, 4).float()
    return {"boxes": boxes, "labels": torch.tensor([label for label, _ in rows]).long()}


def guess(*rows: tuple[float, Row]) -> dict[str, torch.Tensor]:
    found = truth(*(row for _, row in rows))
    return {**found, "scores": torch.tensor([score for score, _ in rows]).float()}


def test_all_found_is_one_and_nothing_is_zero() -> None:
    one = (0, (10.0, 10.0, 30.0, 30.0))
    found = average_precision([guess((0.9, one))], [truth(one)], 2)
    assert found == pytest.approx({"map": 1.0, "map50": 1.0})
    assert average_precision([guess()], [truth(one)], 2) == {"map": 0.0, "map50": 0.0}
    assert average_precision([guess((0.9, one))], [truth()], 2) == {"map": 0.0, "map50": 0.0}
    other = (1, one[1])
    assert average_precision([guess((0.9, other))], [truth(one)], 2)["map"] == 0.0


def test_a_box_that_overlaps_by_two_thirds_counts_at_the_lower_demands_only() -> None:
    """Overlap 0.667: right at 50, 55, 60 and 65 %, wrong at the six demands above."""
    there, near = (0, (0.0, 0.0, 100.0, 100.0)), (0, (20.0, 0.0, 120.0, 100.0))
    found = average_precision([guess((0.9, near))], [truth(there)], 1)
    assert found["map50"] == pytest.approx(1.0)
    assert found["map"] == pytest.approx(0.4)


def test_a_surer_mistake_halves_the_precision() -> None:
    """The right box comes second: precision one half at every recall."""
    there, wrong = (0, (0.0, 0.0, 40.0, 40.0)), (0, (60.0, 60.0, 90.0, 90.0))
    found = average_precision([guess((0.9, wrong), (0.8, there))], [truth(there)], 1)
    assert found["map"] == pytest.approx(0.5)


def test_classes_that_are_not_there_do_not_count() -> None:
    one = (3, (10.0, 10.0, 30.0, 30.0))
    found = average_precision([guess((0.9, one))], [truth(one)], 10)
    assert found["map"] == pytest.approx(1.0)


def test_one_picture_s_precision_is_coco_s_where_there_is_one_class() -> None:
    rng = np.random.default_rng(0)
    for _ in range(5):
        corners = rng.uniform(0, 60, (6, 2))
        boxes = [(0, (*corner, *(corner + rng.uniform(15, 40, 2)))) for corner in corners]
        moved = [(0, tuple(np.array(box) + rng.uniform(-6, 6, 4))) for _, box in boxes[:4]]
        far = (0, (200.0, 200.0, 230.0, 230.0))
        guessed = guess(*((rng.uniform(), one) for one in [*moved, far]))
        whole = average_precision([guessed], [truth(*boxes)], 1)
        single = picture_precision([guessed], [truth(*boxes)], 1)
        assert single["map"][0] == pytest.approx(whole["map"], abs=1e-6)
        assert single["map50"][0] == pytest.approx(whole["map50"], abs=1e-6)


def test_pictures_are_judged_one_by_one_and_all_their_classes_together() -> None:
    there, wrong = (1, (0.0, 0.0, 40.0, 40.0)), (0, (60.0, 60.0, 90.0, 90.0))
    found = picture_precision(
        [guess((0.9, wrong), (0.8, there)), guess((0.9, there)), guess(), guess((0.9, wrong))],
        [truth(there), truth(there), truth(there), truth()],
        2,
    )
    assert found["map"].tolist()[:3] == pytest.approx([0.5, 1.0, 0.0])
    assert np.isnan(found["map"][3])


def test_the_mean_box_of_a_class_that_never_moves_is_right() -> None:
    one = truth((0, (10.0, 10.0, 30.0, 30.0)))
    naive = mean_boxes([one, one], [one], ["cat", "dog"])
    assert naive.metrics["map"] == pytest.approx(1.0)


def _trained(home: Path) -> tuple:
    dataset, task = boxes_dataset(), get_task("object-detection")
    config = config_from(
        task.config,
        {"image_size": 64, "score_threshold": 0.01, "head_width": 64, "pretrained": True},
    )
    spec = task.get_model(MODEL)
    torch.manual_seed(0)
    processor = task.build_processor(dataset, spec, config)
    model = task.build_model(spec, processor, config, pretrained=True)
    split = task.load_split(dataset, processor, config, "train")
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
    model.train()
    for step in range(12):
        batch = split.batch(torch.arange(8) + 8 * (step % 4), CPU)
        task.compute(model, batch, train=True)["loss"].backward()
        optimizer.step()
        optimizer.zero_grad()
    return task, dataset, config, processor, model.eval()


def test_the_playground_scores_exactly_what_the_evaluation_scored(home: Path) -> None:
    task, dataset, config, processor, model = _trained(home)
    split = task.load_split(dataset, processor, config, "test")
    measured = evaluate(task, model, processor, split, 4, CPU)
    assert measured is not None
    assert measured["map50"] > 0, "it has learnt too little to compare anything"
    store = Store.open(dataset.id)
    numbers = store.indices("test").tolist()
    options = DetectionOptions(threshold=0.0, most_boxes=1000)
    with torch.inference_mode():
        files = [encode_png(store.image(number)) for number in numbers]
        replies = task.predict(model, processor, files, CPU, options)
    found, there = [], []
    for number, reply in zip(numbers, replies, strict=True):
        rows = [
            (box["score"], (dataset.classes.index(box["label"]), tuple(box["box"])))
            for box in reply["boxes"]
        ]
        found.append(guess(*rows))
        corners, labels = store.boxes(number)
        there.append({"boxes": torch.from_numpy(corners), "labels": torch.from_numpy(labels)})
    scores = average_precision(found, there, len(dataset.classes))
    assert scores["map"] == pytest.approx(measured["map"], abs=1e-4)
    assert scores["map50"] == pytest.approx(measured["map50"], abs=1e-4)

    # The bar and the limit are kept.
    with torch.inference_mode():
        few = task.predict(model, processor, files, CPU, DetectionOptions(threshold=0.2))
        single = DetectionOptions(threshold=0.0, most_boxes=1)
        one = task.predict(model, processor, files, CPU, single)
    assert all(box["score"] >= 0.2 for reply in few for box in reply["boxes"])
    assert max(len(reply["boxes"]) for reply in one) == 1

    # What an evaluation shows is in pixels of the stored picture, whole in itself.
    validation = task.load_split(dataset, processor, config, "validation")
    with torch.inference_mode():
        shown = task.snapshot(model, processor, validation, CPU)
    assert shown["kind"] == "boxes"
    assert len(shown["pictures"]) == min(SHOWN, len(validation))
    first = shown["pictures"][0]
    corners, _ = store.boxes(int(store.indices("validation")[0]))
    assert (first["height"], first["width"]) == (48, 56)
    drawn = torch.tensor([row["box"] for row in first["truth"]])
    assert torch.allclose(drawn, torch.from_numpy(corners), atol=0.1)


def test_a_large_upload_gets_boxes_in_its_own_pixels(home: Path) -> None:
    import io

    from PIL import Image

    task, dataset, _, processor, model = _trained(home)
    store = Store.open(dataset.id)
    image = store.image(int(store.indices("test")[0]))
    large = Image.fromarray(image).resize((56 * 30, 48 * 30), Image.Resampling.NEAREST)
    file = io.BytesIO()
    large.save(file, "PNG")
    options = DetectionOptions(threshold=0.0)
    with torch.inference_mode():
        (small,) = task.predict(model, processor, [encode_png(image)], CPU, options)
        (big,) = task.predict(model, processor, [file.getvalue()], CPU, options)
    assert max(box["box"][2] for box in big["boxes"]) > 56
    one, other = small["boxes"][0], big["boxes"][0]
    assert one["label"] == other["label"]
    assert [value * 30 for value in one["box"]] == pytest.approx(other["box"], abs=60)
