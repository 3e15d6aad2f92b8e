"""Looking for models on the Hugging Face Hub; asked only when somebody presses “Search”.

Only what could be used is listed: weights as safetensors, and a kind that the task can train.
Free of torch and, until somebody asks, of huggingface_hub.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from backend.errors import DownloadError
from backend.models import hub, weights

MOST = 12
BYTES = {"F64": 8, "I64": 8, "F16": 2, "BF16": 2, "I16": 2, "I8": 1, "U8": 1}
"""Of a number as safetensors stores it; four where nothing else is said."""
ASKED = ("config", "downloads", "gated", "safetensors", "tags")


@dataclass(frozen=True, slots=True)
class HubModel:
    """What the Hub says of a model: its size in numbers and in MB, 0 where that is not known."""

    id: str
    kind: str
    licence: str
    downloads: int
    parameters: int
    megabytes: int
    is_here: bool

    @property
    def memory_mb(self) -> int:
        """Memory for training all of it, 0 where its size is not known."""
        return hub.training_mb(self.parameters) if self.parameters else 0


def search_models(words: str, tags: Sequence[str], kinds: Sequence[str] = ()) -> list[HubModel]:
    """The most downloaded models that fit, at most MOST; raises DownloadError.

    words: a part of the name; may be empty. tags: the Hub's names of what the models do.
    kinds: kinds of architecture that can be used, all where empty.
    """
    if weights.is_offline():
        raise DownloadError(
            "The Hub was not asked: downloads are switched off (HF_HUB_OFFLINE is set)."
        )
    found: dict[str, HubModel] = {}
    for tag in tags:
        for record in _ask(words, tag):
            model = _read(record)
            if not kinds or not model.kind or model.kind in kinds:
                found[model.id] = model
    ranked = sorted(found.values(), key=lambda model: model.downloads, reverse=True)
    return ranked[:MOST]


def _ask(words: str, tag: str) -> list[dict[str, Any]]:
    """What the Hub lists, asked as huggingface_hub's HfApi.list_models does.

    Not by that itself: it tries for half a minute to reach a Hub that cannot be reached.
    """
    from huggingface_hub import constants, get_session

    question: dict[str, Any] = {
        "search": words, "pipeline_tag": tag, "filter": ["safetensors", "transformers"],
        "sort": "downloads", "limit": 3 * MOST, "expand": list(ASKED),
    }  # fmt: skip
    try:
        reply = get_session().get(
            f"{constants.ENDPOINT}/api/models", params=question, timeout=weights.TIMEOUT
        )
        reply.raise_for_status()
        listed = reply.json()
    except Exception as error:  # the HTTP library below has errors of its own
        raise DownloadError(
            "The Hugging Face Hub cannot be reached. Connect this computer to the internet, or "
            "choose a folder instead."
        ) from error
    return [one for one in listed if isinstance(one, dict) and _usable(one)]


def _usable(record: dict[str, Any]) -> bool:
    """Whether it is free for all, safe, and works without code of its own."""
    config = record.get("config")
    needs_code = isinstance(config, dict) and "auto_map" in config
    name = record.get("id")
    return bool(
        isinstance(name, str)
        and hub.HUB_ID.fullmatch(name)
        and not record.get("gated")
        and not needs_code
        and "custom_code" not in (record.get("tags") or [])
    )


def _read(record: dict[str, Any]) -> HubModel:
    tags = [str(tag) for tag in record.get("tags") or []]
    licences = [tag.removeprefix("license:") for tag in tags if tag.startswith("license:")]
    config, stored = record.get("config"), record.get("safetensors")
    counts = (stored.get("parameters") if isinstance(stored, dict) else None) or {}
    known = {str(key): count for key, count in counts.items() if isinstance(count, int)}
    return HubModel(
        id=record["id"],
        kind=str(config.get("model_type") or "") if isinstance(config, dict) else "",
        licence=", ".join(licences) or "not stated",
        downloads=int(record.get("downloads") or 0),
        parameters=sum(known.values()),
        megabytes=round(sum(BYTES.get(key, 4) * count for key, count in known.items()) / 1e6),
        is_here=hub.find_folder(record["id"]) is not None,
    )
