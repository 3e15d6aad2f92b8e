"""Fetches a model of the Hub: only what is safe, told as it arrives, resumed where it broke off.

Called by hub.open_folder alone. huggingface_hub does the asking; its snapshot_download begins a
file anew where a process ended in the middle, so each file is fetched with its http_get.
"""

import re
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from backend.errors import DownloadError, ModelError
from backend.models import hub, weights
from storage import files

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

    target = hub.downloaded_folder(hub_id)
    part = target.with_name(f"{target.name}{hub.PART}")
    with _explained(hub_id):
        info = HfApi().model_info(hub_id, timeout=weights.TIMEOUT, files_metadata=True)
    entries = {entry.rfilename: entry for entry in info.siblings or []}
    sizes = {name: entries[name].size or 0 for name in choose_files(hub_id, list(entries))}
    _begin(part, str(info.sha))
    _check_room(hub_id, sum(sizes.values()) - files.folder_bytes(part))
    _fetch(hub_id, str(info.sha), sizes, part)
    if target.is_dir():  # another process fetched it meanwhile
        files.remove_folder(part)
        return target
    for name in sizes:
        lfs = entries[name].lfs
        if lfs:
            _verify(part / name, lfs.sha256)
    hub.check_folder(part)
    (part / REVISION).unlink()
    part.rename(target)
    return target


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


def _fetch(hub_id: str, revision: str, sizes: Mapping[str, int], part: Path) -> None:
    """Fetch files into a folder, or go on with what an interrupted download left there.

    In a thread of its own, so that this one can tell how far it is, and leave.
    """
    from huggingface_hub.utils import (  # type: ignore[attr-defined]
        WeakFileLock,
        disable_progress_bars,
    )

    disable_progress_bars()
    target = hub.downloaded_folder(hub_id)
    lock = files.locks_dir() / f"download-{target.name}.lock"
    failed: list[Exception] = []
    left, total = threading.Event(), sum(sizes.values())

    def fetch() -> None:
        try:
            with WeakFileLock(lock):  # whoever comes second waits, and finds it whole
                for name, size in sizes.items():
                    if left.is_set() or target.is_dir():
                        return
                    _fetch_file(hub_id, revision, name, size, part)
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=fetch, name="download", daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            weights.tell(hub_id, min(files.folder_bytes(part), total), total)
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
