"""Fetches a model of the Hub: only what is safe, told as it arrives, resumed where it broke off.

Called by hub.open_folder alone. huggingface_hub does the asking; its snapshot_download begins a
file anew where a process ended in the middle, so each file is fetched with its http_get.
"""

import re
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from backend.errors import DownloadError, ModelError, TrainroomError
from backend.models import hub, weights
from storage import files

if TYPE_CHECKING:
    from huggingface_hub.hf_api import RepoSibling

LOOK_SECONDS = 0.5
"""How often one looks how far it is."""
REVISION, INCOMPLETE = "revision", ".incomplete"


def download(hub_id: str) -> Path:
    """Fetch a model into the downloads folder; raises DownloadError, or ModelError if unsafe."""
    if weights.is_offline():
        raise DownloadError(
            f"{hub_id} is not on this computer, and downloads are switched off (HF_HUB_OFFLINE is "
            f"set). {hub.ADVICE}"
        )
    from huggingface_hub import HfApi

    with _explained(hub_id):
        info = HfApi().model_info(hub_id, timeout=weights.TIMEOUT, files_metadata=True)
    entries = {entry.rfilename: entry for entry in info.siblings or []}
    wanted = [entries[name] for name in choose_files(hub_id, list(entries))]
    _while_told(hub_id, wanted, lambda left: _take(hub_id, str(info.sha), wanted, left))
    return hub.downloaded_folder(hub_id)


def _part(hub_id: str) -> Path:
    """Where it lies until it is whole."""
    target = hub.downloaded_folder(hub_id)
    return target.with_name(f"{target.name}{hub.PART}")


def _take(
    hub_id: str, revision: str, wanted: Sequence["RepoSibling"], left: threading.Event
) -> None:
    """Fetch, check and put in place, alone: whoever comes second waits, and finds it whole.

    left: set once nobody waits for it any more; what has arrived by then is kept.
    """
    from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]

    target, part = hub.downloaded_folder(hub_id), _part(hub_id)
    with WeakFileLock(files.locks_dir() / f"download-{target.name}.lock"):
        if target.is_dir():
            return
        _begin(part, revision)
        _check_room(hub_id, _total(wanted) - files.folder_bytes(part))
        for entry in wanted:
            if left.is_set():
                return
            _fetch_file(hub_id, revision, entry.rfilename, entry.size or 0, part)
        for entry in wanted:
            if entry.lfs:
                _verify(part / entry.rfilename, entry.lfs.sha256)
        hub.check_folder(part)
        (part / REVISION).unlink()
        part.rename(target)


def _total(wanted: Sequence["RepoSibling"]) -> int:
    return sum(entry.size or 0 for entry in wanted)


def _begin(part: Path, revision: str) -> None:
    """Keep what an interrupted download left, unless the model is another one by now."""
    note = part / REVISION
    if part.is_dir() and not (note.is_file() and note.read_text(encoding="utf-8") == revision):
        files.remove_folder(part)
    part.mkdir(parents=True, exist_ok=True)
    note.write_text(revision, encoding="utf-8")


def _verify(path: Path, sha256: str) -> None:
    try:
        weights.verify(path, sha256)
    except ModelError:
        path.unlink()  # or the next try would find it again
        raise


def _while_told(
    hub_id: str, wanted: Sequence["RepoSibling"], take: Callable[[threading.Event], None]
) -> None:
    """Run it in a thread of its own, so that this one can tell how far it is, and leave."""
    from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]

    disable_progress_bars()
    failed: list[Exception] = []
    left, total = threading.Event(), _total(wanted)

    def run() -> None:
        try:
            take(left)
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=run, name="download", daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            weights.tell(hub_id, min(files.folder_bytes(_part(hub_id)), total), total)
            thread.join(LOOK_SECONDS)
    finally:
        left.set()
    with _explained(hub_id):
        if failed:
            raise failed[0]


def _fetch_file(hub_id: str, revision: str, name: str, size: int, part: Path) -> None:
    """One file, from the byte on that is missing; done where it is there already."""
    from huggingface_hub import hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

    path = part / name
    if path.is_file():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    begun = path.with_name(f"{path.name}{INCOMPLETE}")
    with begun.open("ab") as file:
        if file.tell() > size:
            file.truncate(0)
        if file.tell() < size:
            http_get(
                hf_hub_url(hub_id, name, revision=revision),
                file,
                resume_size=file.tell(),
                headers=build_hf_headers(),
                expected_size=size,
            )
    begun.rename(path)


def _check_room(hub_id: str, needed: int) -> None:
    free = shutil.disk_usage(files.downloads_dir()).free
    if needed > free:
        raise DownloadError(
            f"{hub_id} takes {needed / 1e9:.1f} GB more, and {free / 1e9:.1f} GB are free on the "
            "disk. Make room on the page Storage, or choose a smaller model."
        )


@contextmanager
def _explained(hub_id: str) -> Iterator[None]:
    """Turn what the Hub's library raises into one sentence."""
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        RepositoryNotFoundError,
    )

    try:
        yield
    except TrainroomError:
        raise
    except GatedRepoError as error:
        raise DownloadError(
            f"{hub_id} is only given to people who accepted its terms on huggingface.co. Choose "
            "another model."
        ) from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise DownloadError(f"The Hugging Face Hub has no public model {hub_id}.") from error
    # No route, time-out, cut off, server error: the HTTP library below has errors of its own.
    except Exception as error:
        raise DownloadError(
            f"{hub_id} could not be downloaded ({hub.first_line(error)}). What has arrived is "
            f"kept. {hub.ADVICE}"
        ) from error


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
    # .model and .spm are SentencePiece's vocabularies: tables of pieces and their scores.
    texts = [n for n in names if re.fullmatch(r"[^/]+\.(json|txt|model|spm)", n)]
    return [*found, *texts, *(n for n in names if n == "1_Pooling/config.json")]
