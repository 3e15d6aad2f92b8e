"""Image classifiers of transformers (ViT, Swin, ConvNeXt, ...) from the Hub or a folder.

Only folders that hub.py has checked are read: safetensors, never code.
"""

import inspect
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from backend.errors import ModelError
from backend.models import hub, huggingface
from backend.models.freezing import freeze
from backend.models.image_processing import ImageProcessor, build_image_processor
from backend.models.spec import ModelSpec

if TYPE_CHECKING:
    from backend.datasets.store import Store

USUAL_SIZE = 224


def build_processor(
    spec: ModelSpec, store: "Store", classes: list[str], size: int
) -> ImageProcessor:
    """What the model expects of its pictures, with its configuration for these classes.

    size: pixels on each side, 0 for those that it was trained with. Raises ModelError.
    """
    folder = hub.open_folder(spec.checkpoint)
    config = hub.read_json(folder / "config.json")
    size = size or _own_size(config.get("image_size"))
    processor = build_image_processor(store, classes, size, 3, colours=hub.picture_colours(folder))
    options = {key: value for key, value in config.items() if key != "num_labels"}
    options["id2label"] = dict(enumerate(classes))
    options["label2id"] = {name: number for number, name in enumerate(classes)}
    options["problem_type"] = "single_label_classification"
    processor.model_config = huggingface.plain_config(options)
    return processor


def _own_size(known: Any) -> int:
    """A configuration's image size, which is a number, two of them, or absent."""
    if isinstance(known, list) and known:
        known = max(one for one in known if isinstance(one, int))
    return known if isinstance(known, int) and known > 0 else USUAL_SIZE


def build_network(
    spec: ModelSpec, processor: ImageProcessor, *, load: bool, freeze_backbone: bool
) -> "HubClassifier":
    """The network with a last layer for these classes; load reads its weights too.

    Raises ModelError.
    """
    assert processor.model_config is not None
    folder = hub.open_folder(spec.checkpoint) if load else None
    try:
        model = huggingface.load_picture_classifier(processor.model_config, folder)
        network = HubClassifier(model, processor.size)
        _try_once(network, processor, spec)
    except ModelError:
        raise
    except Exception as error:  # missing packages, odd configurations, damaged files
        raise ModelError(
            f"{spec.title} cannot be used to sort pictures ({hub.first_line(error)})."
        ) from error
    if freeze_backbone:
        backbone = model.base_model_prefix
        heads = [name for name, _ in model.named_children() if name != backbone]
        freeze(network, [f"model.{name}" for name in heads])
    return network


def _try_once(network: "HubClassifier", processor: ImageProcessor, spec: ModelSpec) -> None:
    """Raise ModelError where the network cannot take pictures of that size."""
    size, device = processor.size, next(network.parameters()).device
    network.eval()
    try:
        with torch.no_grad():
            network(torch.zeros(1, 3, size, size, device=device))
    except (ValueError, RuntimeError) as error:
        raise ModelError(
            f"{spec.title} cannot take pictures of {size} x {size} pixels "
            f"({hub.first_line(error)}). Set the image size to 0 for its own."
        ) from error


class HubClassifier(nn.Module):
    """A classifier of transformers that is called as torchvision's are."""

    def __init__(self, model: Any, size: int) -> None:
        super().__init__()
        self.model = model
        # Vision transformers know each place of a picture; other sizes are interpolated.
        known = inspect.signature(model.forward).parameters
        other = size != _own_size(model.config.to_dict().get("image_size"))
        self.options = (
            {"interpolate_pos_encoding": True}
            if (other and "interpolate_pos_encoding" in known)
            else {}
        )

    def forward(self, images: Tensor) -> Tensor:
        """Scores [b, classes] of pictures [b, 3, size, size]."""
        scores: Tensor = self.model(pixel_values=images, **self.options).logits
        return scores
