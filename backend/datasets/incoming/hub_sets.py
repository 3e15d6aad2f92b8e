"""Data sets of the Hugging Face Hub: what is offered there, and fetching their Parquet files.

The Hub converts nearly every set to Parquet (https://huggingface.co/docs/dataset-viewer/parquet),
so no code of a data set ever runs here. Free of huggingface_hub until somebody asks.
"""

import re
import threading
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from backend import settings
from backend.datasets import catalog
from backend.datasets.incoming.given import Given, GivenFile, given_folder, write_record
from backend.datasets.readers.reading import Progress
from backend.datasets.skips import cleaned, shown
from backend.errors import DownloadError, UsageError
from backend.models.weights import TIMEOUT, is_offline
from storage import files

HUB_ID = re.compile(r"(?:[A-Za-z0-9][\w.-]{0,95}/)?[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
CONVERTED = "refs/convert/parquet"
HUB = "the Hugging Face Hub"
_SHARD = re.compile(r"^(.*?)-\d+-of-\d+$")
LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class HubFile:
    """One Parquet file: its path on the Hub, bytes, configuration and split."""

    path: str
    size: int
    config: str
    split: str


@dataclass(frozen=True, slots=True)
class HubOffer:
    """What is known of a set before it is fetched; revision: where on the Hub its files lie."""

    id: str
    title: str
    licence: str
    downloads: int
    revision: str
    files: list[HubFile]

    @property
    def configs(self) -> dict[str, int]:
        """The parts that can be chosen, with their bytes."""
        sizes: dict[str, int] = defaultdict(int)
        for file in self.files:
            sizes[file.config] += file.size
        return dict(sizes)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "HubOffer":
        return cls(**{**record, "files": [HubFile(**file) for file in record["files"]]})


def check_hub_id(text: str) -> str:
    """The id in what a user typed or pasted; raises UsageError where there is none."""
    text = text.strip().removesuffix("/")
    text = re.sub(r"^(https?://)?(www\.)?(huggingface\.co|hf\.co)/datasets/", "", text)
    if not HUB_ID.fullmatch(text) or ".." in text or "--" in text:
        raise UsageError(
            "That is not the name of a data set of the Hub. It looks like stanfordnlp/imdb: an "
            "owner, a stroke and a name."
        )
    return text


def ask_hub(hub_id: str) -> HubOffer:
    """What the Hub says of a set; raises DownloadError with a sentence where it says nothing."""
    hub_id = check_hub_id(hub_id)
    with _told(hub_id):
        from huggingface_hub import HfApi

        info = HfApi().dataset_info(hub_id, timeout=TIMEOUT)
        found, revision = _list_files(hub_id, str(info.sha))
    if not found:
        raise DownloadError(
            f"The Hub has no Parquet files of {hub_id}, the only kind that is read. Choose another "
            "data set, or download its files yourself."
        )
    card = dict(info.card_data.to_dict()) if info.card_data else {}
    licence = card.get("license_name") or card.get("license") or "not stated"
    licences = licence if isinstance(licence, list) else [licence]
    return HubOffer(
        id=hub_id,
        title=cleaned(str(card.get("pretty_name") or hub_id))[:100],
        licence=cleaned(", ".join(map(str, licences)))[:100],
        downloads=int(info.downloads or 0),
        revision=revision,
        files=found,
    )


def _list_files(hub_id: str, main: str) -> tuple[list[HubFile], str]:
    """The files of the conversion, or the Parquet files of the set itself, and their revision."""
    from huggingface_hub.errors import RevisionNotFoundError

    try:
        converted = list(_parquet_files(hub_id, CONVERTED))
    except RevisionNotFoundError:
        converted = []
    if converted:
        return converted, CONVERTED
    return list(_parquet_files(hub_id, main)), main


def _parquet_files(hub_id: str, revision: str) -> Iterator[HubFile]:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile

    entries = HfApi().list_repo_tree(hub_id, repo_type="dataset", revision=revision, recursive=True)
    for entry in entries:
        if isinstance(entry, RepoFile) and entry.path.endswith(".parquet"):
            config, split = _places(entry.path)
            yield HubFile(entry.path, int(entry.size), config, split)


def _places(path: str) -> tuple[str, str]:
    """Configuration and split: config/split/0.parquet, or data/train-00000-of-00001.parquet."""
    parts = path.removesuffix(".parquet").split("/")
    shard = _SHARD.match(parts[-1])
    if len(parts) >= 3:
        return parts[-3], parts[-2].removeprefix("partial-")
    folder = parts[0] if len(parts) == 2 and parts[0] != "data" else "default"
    return folder, shard.group(1) if shard else parts[-1]


def choose_files(offer: HubOffer, config: str, most_mb: float) -> list[HubFile]:
    """The files of a configuration that are at most so many megabytes, of each split the first."""
    wanted = [file for file in offer.files if file.config == config]
    if not wanted:
        raise UsageError(f"{offer.id} has no part called {shown(config)!r}.")
    rank: dict[str, int] = defaultdict(int)
    ordered = []
    for file in sorted(wanted, key=lambda file: file.path):
        ordered.append((rank[file.split], file.split, file))
        rank[file.split] += 1
    # The first file of each split, then the second ones, for as long as there is room.
    chosen: list[HubFile] = []
    total = 0
    for number, _, file in sorted(ordered, key=lambda one: one[:2]):
        if number == 0 or total + file.size <= most_mb * 1e6:
            chosen.append(file)
            total += file.size
    limit = settings.MAX_UPLOAD_MB.value()
    if total > limit * 1e6:
        raise DownloadError(
            f"{offer.id} has {total / 1e6:,.0f} MB; at most {limit:,.0f} MB are allowed."
        )
    return chosen


def fetch_files(
    offer: HubOffer, chosen: list[HubFile], folder: Path, progress: Progress
) -> Iterator[tuple[HubFile, Path]]:
    """Download files one after the other into the folder; raises DownloadError."""
    total, done = sum(file.size for file in chosen), 0
    catalog.check_disk_space(2 * total)
    for number, file in enumerate(chosen):
        words = f"Downloading file {number + 1:,} of {len(chosen):,} ({done / 1e6:,.0f} MB so far)"
        progress(words, done / max(1, total))
        with _told(offer.id):
            from huggingface_hub import hf_hub_download

            path = hf_hub_download(
                offer.id, file.path, repo_type="dataset", revision=offer.revision,
                local_dir=folder, etag_timeout=TIMEOUT,
            )  # fmt: skip
        done += file.size
        yield file, Path(path)


@contextmanager
def told_of_growth(folder: Path, size_mb: float, progress: Progress) -> Iterator[None]:
    """Tell of every megabyte that arrives in a folder: the libraries themselves say nothing."""
    ended = threading.Event()

    def watch() -> None:
        last = -1
        while not ended.wait(LOOK_SECONDS):
            arrived = files.folder_bytes(folder)
            if arrived // 1_000_000 != last:
                last = arrived // 1_000_000
                share = min(0.85, arrived / 1e6 / max(1.0, size_mb))
                progress(f"Downloading, {arrived / 1e6:,.0f} MB so far", share)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def download_given(
    offer: HubOffer, config: str, most_mb: float, folder: Path, progress: Progress
) -> Given:
    """Fetch a configuration as something given, to be looked at like a user's own tables."""
    chosen = choose_files(offer, config, most_mb)
    # Made inside the errand's folder and moved out of it as a whole: a download that is ended
    # leaves nothing.
    place, found = folder / uuid.uuid4().hex, []
    place.mkdir()
    size_mb = sum(file.size for file in chosen) / 1e6
    with told_of_growth(folder, size_mb, progress):
        for number, (file, path) in enumerate(fetch_files(offer, chosen, folder, progress)):
            path.rename(place / str(number))
            found.append(GivenFile(f"{file.split}/{number}.parquet", file.size, number))
    title = offer.id if len(offer.configs) == 1 else f"{offer.id} ({config})"
    left = len([one for one in offer.files if one.config == config]) - len(chosen)
    note = "Downloaded from the internet" + (f", {left} files left out." if left else ".")
    given = Given(
        place.name, title, found, source=f"Hub: {offer.id}", licence=offer.licence, note=note
    )
    write_record(given, place)
    place.rename(given_folder(place.name))
    return given


@contextmanager
def _told(hub_id: str) -> Iterator[None]:
    """Turn what the Hub's library raises into one sentence."""
    if is_offline():
        raise DownloadError(
            f"{hub_id} was not fetched: downloads are switched off (HF_HUB_OFFLINE is set)."
        )
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        RepositoryNotFoundError,
    )

    try:
        yield
    except GatedRepoError as error:
        raise DownloadError(
            f"{hub_id} is only given to people who accepted its terms on huggingface.co. Choose "
            "another data set, or download its files there."
        ) from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise DownloadError(f"The Hub has no public data set called {hub_id}.") from error
    except HfHubHTTPError as error:
        raise DownloadError(
            f"The Hub could not give {hub_id} ({type(error).__name__}). Try again later."
        ) from error
    # The HTTP library below has errors of its own: no route, time-out, cut off.
    except Exception as error:
        if isinstance(error, DownloadError | UsageError | MemoryError):
            raise
        raise DownloadError(
            "The Hugging Face Hub cannot be reached. Connect this computer to the internet and try "
            "again."
        ) from error


def offer_errand(arguments: dict[str, Any], folder: Path, progress: Progress) -> dict[str, Any]:
    """What the Hub offers under an id, as HubOffer.to_json()."""
    progress(f"Asking {HUB}", 0.0)
    return ask_hub(arguments["id"]).to_json()


def download_errand(arguments: dict[str, Any], folder: Path, progress: Progress) -> dict[str, Any]:
    """Fetch a set; what it is given as, {"given": id}."""
    offer = HubOffer.from_json(arguments["offer"])
    given = download_given(offer, arguments["config"], arguments["most_mb"], folder, progress)
    return {"given": given.id}
