"""Detectors of transformers (the DETR family) from the Hub or a folder; with their losses.

Only folders that hub.py has checked are read: safetensors, never code.
"""

import inspect
import json
import time
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from backend.errors import ModelError
from backend.models import hub
from backend.models.box_processing import BoxProcessor, build_box_processor
from backend.models.spec import ModelSpec

if TYPE_CHECKING:
    from backend.datasets.store import Store

USUAL_SIZE = 640
# Their networks halve the size five times: other sizes would not come out even.
MULTIPLE = 32
Found = dict[str, Tensor]


def build_processor(spec: ModelSpec, store: "Store", classes: list[str], size: int) -> BoxProcessor:
    """What the model expects of its pictures, with its configuration for these classes.

    size: the side of the canvas in pixels, 0 for the usual one. Raises ModelError.
    """
    folder = hub.open_folder(spec.checkpoint)
    mean, std = hub.picture_colours(folder)
    side = -(-(size or USUAL_SIZE) // MULTIPLE) * MULTIPLE
    processor = build_box_processor(store, classes, side, mean, std)
    processor.model_config = _complete(hub.read_json(folder / "config.json"), classes, spec.title)
    return processor


def _complete(config: dict[str, Any], classes: list[str], title: str) -> dict[str, Any]:
    """The full configuration as plain JSON, with our classes."""
    from transformers import AutoConfig

    dropped = ("model_type", "_name_or_path", "num_labels", "architectures")
    options = {key: value for key, value in config.items() if key not in dropped}
    options["id2label"] = dict(enumerate(classes))
    options["label2id"] = {name: number for number, name in enumerate(classes)}
    try:
        full = AutoConfig.for_model(str(config.get("model_type")), **options)
        found: dict[str, Any] = json.loads(full.to_json_string(use_diff=False))
    except Exception as error:  # the library raises whatever it meets
        raise ModelError(
            f"The configuration of {title} cannot be read ({hub.first_line(error)}). Choose "
            "another model."
        ) from error
    return found


def build_detector(
    spec: ModelSpec,
    processor: BoxProcessor,
    *,
    load: bool,
    freeze_backbone: bool,
    least_score: float,
    most_boxes: int,
) -> "HubDetector":
    """The network with a last layer for these classes; load reads its weights too.

    Raises ModelError.
    """
    from transformers import AutoConfig, AutoModelForObjectDetection
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    auto: Any = AutoModelForObjectDetection
    options = dict(processor.model_config or {})
    _check_backbone(options, spec.title)
    try:
        config = AutoConfig.for_model(options.pop("model_type", ""), **options)
        if load:
            model = auto.from_pretrained(
                hub.open_folder(spec.checkpoint),
                config=config,
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
                ignore_mismatched_sizes=True,
                dtype=torch.float32,
            )
        else:
            model = auto.from_config(config, trust_remote_code=False, dtype=torch.float32)
    except ModelError:
        raise
    except Exception as error:  # missing packages, odd configurations, damaged files
        raise ModelError(
            f"{spec.title} cannot be used to find things ({hub.first_line(error)})."
        ) from error
    if freeze_backbone:
        for name, weight in model.named_parameters():
            if ".backbone." in name:
                weight.requires_grad_(False)
    return HubDetector(model, len(processor.classes), least_score, most_boxes)


def _check_backbone(config: dict[str, Any], title: str) -> None:
    """Raise ModelError where the first part comes from a library that is not installed."""
    if (config.get("backbone_config") or {}).get("model_type") != "timm_backbone":
        return
    try:
        import timm  # noqa: F401 - transformers itself looks for it
    except ImportError as error:
        raise ModelError(
            f"The first part of {title} comes from the library timm, which is not installed. "
            "Install it (pip install timm), or choose another model."
        ) from error


class HubDetector(nn.Module):
    """A detector of transformers behind the questions of detectors.TorchvisionDetector."""

    def __init__(self, model: Any, classes: int, least_score: float, most_boxes: int) -> None:
        super().__init__()
        self.model, self.classes = model, classes
        self.least_score, self.most_boxes = least_score, most_boxes
        self.masked = "pixel_mask" in inspect.signature(model.forward).parameters

    def forward(self, images: Tensor, sizes: Tensor, targets: list[Found]) -> Tensor:
        """The loss of a batch of canvases [b, 3, s, s] with used sizes [b, 2]; a scalar."""
        loss: Tensor = self._ask(images, sizes, targets).loss
        return loss

    def find(self, images: Tensor, sizes: Tensor) -> list[Found]:
        """What is in each picture, best first."""
        return self._boxes(self._ask(images, sizes, None), images, sizes)

    def measure(
        self, images: Tensor, sizes: Tensor, targets: list[Found]
    ) -> tuple[Tensor, list[Found], float]:
        """The loss, what is found, and the seconds that both took."""
        start = time.perf_counter()
        output = self._ask(images, sizes, targets)
        found = self._boxes(output, images, sizes)
        if images.is_cuda:
            torch.cuda.synchronize(images.device)
        return output.loss, found, time.perf_counter() - start

    def _ask(self, images: Tensor, sizes: Tensor, targets: list[Found] | None) -> Any:
        options: dict[str, Any] = {}
        if self.masked:
            places = torch.arange(images.shape[-1])
            inside = (places[None, :, None] < sizes[:, 0, None, None]) & (
                places[None, None, :] < sizes[:, 1, None, None]
            )
            options["pixel_mask"] = inside.long().to(images.device)
        if targets is not None:
            options["labels"] = [
                {
                    "class_labels": one["labels"],
                    "boxes": _to_centres(one["boxes"]) / images.shape[-1],
                }
                for one in targets
            ]
        return self.model(pixel_values=images, **options)

    def _boxes(self, output: Any, images: Tensor, sizes: Tensor) -> list[Found]:
        """DETR and YOLOS weigh "nothing" as a class of its own, the others each class alone."""
        logits = output.logits.float()
        if logits.shape[-1] == self.classes + 1:
            scores, labels = logits.softmax(-1)[..., :-1].max(-1)
            queries = torch.arange(scores.shape[1], device=scores.device).expand_as(scores)
        else:
            scores = logits.sigmoid().flatten(1)
            places = torch.arange(scores.shape[1], device=scores.device).expand_as(scores)
            queries, labels = places // logits.shape[-1], places % logits.shape[-1]
        corners = _to_corners(output.pred_boxes.float()) * images.shape[-1]
        found = []
        for number, (height, width) in enumerate(sizes.tolist()):
            best = scores[number].argsort(descending=True, stable=True)[: self.most_boxes]
            best = best[scores[number][best] >= self.least_score]
            high = torch.tensor([width, height, width, height], device=corners.device)
            boxes = corners[number][queries[number][best]].clamp(min=0).minimum(high)
            found.append(
                {"boxes": boxes, "scores": scores[number][best], "labels": labels[number][best]}
            )
        return found


def _to_centres(boxes: Tensor) -> Tensor:
    return torch.cat([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], 1)


def _to_corners(boxes: Tensor) -> Tensor:
    half = boxes[..., 2:] / 2
    return torch.cat([boxes[..., :2] - half, boxes[..., :2] + half], -1)
