"""Writes a data set to a file that others read, and that can be brought in again as it was.

Texts, pairs and ratings become CSV or JSON Lines, pictures and recordings a zip with one folder
per class, boxes a zip with COCO's annotations. What a version has left out stays out.
"""

import csv
import io
import json
import os
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from backend.datasets.images import encode_png
from backend.datasets.preview import encode_wav
from backend.datasets.splits import SPLITS
from backend.datasets.store import Store
from backend.errors import UsageError
from backend.spreadsheets import safe_cell
from storage.records import Dataset

Progress = Callable[[str, float], None]
TELL_EVERY = 500
_UNSAFE = re.compile(r'[/\\:*?"<>|\x00-\x1f]')
"""Signs that some system does not allow in the name of a folder."""
LISTING = "labels.csv"


def endings(dataset: Dataset) -> tuple[str, ...]:
    """What the file may be called at its end, the usual one first."""
    return (".csv", ".jsonl") if Store.open(dataset).kind in ("text", "rating") else (".zip",)


def export_dataset(dataset: Dataset, path: Path, progress: Progress | None = None) -> Path:
    """Write a version to a file, whole or not at all; returns the file's path.

    path: a new file whose ending says which kind, or a folder that gets one. Raises UsageError
    where the path cannot be used.
    """
    allowed = endings(dataset)
    if path.is_dir():
        path = path / f"{_file_name(dataset.name)}{allowed[0]}"
    if path.suffix.lower() not in allowed:
        raise UsageError(
            f"{dataset.name} can be written as {' or '.join(allowed)}, not as "
            f"{path.suffix or 'a file without an ending'}. Give another path."
        )
    if path.exists():
        raise UsageError(f"{path} is there already. Give another path, or remove it first.")
    if not path.parent.is_dir():
        raise UsageError(f"There is no folder {path.parent}. Make it first, or give another path.")
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            _WRITERS[path.suffix.lower()](dataset, Store.open(dataset), file, progress)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except PermissionError as error:
        raise UsageError(f"{path} cannot be written: the folder does not allow it.") from error
    finally:
        part.unlink(missing_ok=True)
    return path


def _rows(dataset: Dataset, store: Store, progress: Progress | None) -> Iterator[dict[str, Any]]:
    """Each example as a row, its columns in their order."""
    for place, index in _each(store, progress):
        row: dict[str, Any]
        if store.kind == "rating":
            if place == 0:
                names, ratings = store.names(), store.ratings()
            rating = ratings[index]
            row = {
                "user": names["users"][rating["user"]],
                "item": names["items"][rating["item"]],
                "rating": float(rating["value"]),
            }
        elif store.target == "text":
            row = {"source": store.text(index), "target": store.target_text(index)}
        else:
            row = {"text": store.text(index)}
            if store.target == "class":
                row["label"] = dataset.classes[store.labels[index]]
        yield {**row, "split": SPLITS[store.splits[index]]}


def _each(store: Store, progress: Progress | None) -> Iterator[tuple[int, int]]:
    """Place and number of every example, telling now and then how far it is."""
    present = store.present()
    for place, index in enumerate(present.tolist()):
        if progress is not None and place % TELL_EVERY == 0:
            progress(f"Writing {place:,} of {len(present):,}", place / len(present))
        yield place, index


def _write_csv(dataset: Dataset, store: Store, file: Any, progress: Progress | None) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\n")
    for number, row in enumerate(_rows(dataset, store, progress)):
        if number == 0:
            writer.writerow(row)
        writer.writerow([safe_cell(value) for value in row.values()])
    text.detach()


def _write_jsonl(dataset: Dataset, store: Store, file: Any, progress: Progress | None) -> None:
    for row in _rows(dataset, store, progress):
        file.write(json.dumps(row, ensure_ascii=False).encode("utf-8", "replace") + b"\n")


def _write_zip(dataset: Dataset, store: Store, file: Any, progress: Progress | None) -> None:
    # Pictures are packed already.
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        if store.target == "boxes":
            _write_coco(dataset, store, archive, progress)
        else:
            _write_folders(dataset, store, archive, progress)


def _write_folders(
    dataset: Dataset, store: Store, archive: zipfile.ZipFile, progress: Progress | None
) -> None:
    """train/cat/0000012.png; beside a list of files where a class's name cannot be a folder's."""
    as_folders = _can_be_folders(dataset.classes)
    listed: list[tuple[str, str, str]] = []
    for _, index in _each(store, progress):
        data, ending = _file(store, index)
        split, label = SPLITS[store.splits[index]], dataset.classes[store.labels[index]]
        if as_folders:
            name = f"{split}/{label}/{index:07d}{ending}"
        else:
            name = f"files/{index:07d}{ending}"
            listed.append((name, label, split))
        _add(archive, name, data)
    if listed:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("file", "label", "split"))
        writer.writerows([safe_cell(cell) for cell in row] for row in listed)
        _add(archive, LISTING, text.getvalue().encode())


def _can_be_folders(classes: list[str]) -> bool:
    """Whether the classes' names are names of different folders on every system."""
    plain = {name.casefold() for name in classes}
    reserved = {*SPLITS, "con", "nul", "aux", "prn", "__macosx"}
    return (
        len(plain) == len(classes)
        and not plain & reserved
        and not any(
            _UNSAFE.search(name) or name != name.strip(" .") or len(name.encode()) > 120
            for name in classes
        )
    )


def _write_coco(
    dataset: Dataset, store: Store, archive: zipfile.ZipFile, progress: Progress | None
) -> None:
    """In each part's folder its pictures and their annotations, as cocodataset.org describes."""
    categories = [{"id": number, "name": name} for number, name in enumerate(dataset.classes, 1)]
    parts: dict[str, dict[str, list[dict[str, Any]]]] = {
        split: {"images": [], "annotations": [], "categories": categories} for split in SPLITS
    }
    for _, index in _each(store, progress):
        data, ending = _file(store, index)
        split, name = SPLITS[store.splits[index]], f"{index:07d}{ending}"
        height, width, _channels = (int(side) for side in store.shapes()[index])
        found = parts[split]
        found["images"].append(
            {"id": index + 1, "file_name": name, "width": width, "height": height}
        )
        corners, labels = store.boxes(index)
        for (x1, y1, x2, y2), label in zip(corners.tolist(), labels.tolist(), strict=True):
            box = [x1, y1, x2 - x1, y2 - y1]
            found["annotations"].append(
                {
                    "id": len(found["annotations"]) + 1,
                    "image_id": index + 1,
                    "category_id": label + 1,
                    "bbox": box,
                    "area": box[2] * box[3],
                    "iscrowd": 0,
                }
            )
        _add(archive, f"{split}/{name}", data)
    for split, record in parts.items():
        _add(archive, f"{split}/annotations.json", json.dumps(record).encode())


def _file(store: Store, index: int) -> tuple[bytes, str]:
    """A picture as PNG or a recording as WAV, without anything that came with the original."""
    if store.kind == "audio":
        return encode_wav(store.sound(index)), ".wav"
    return encode_png(store.image(index)), ".png"


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    """With a fixed date, so that equal data give equal files."""
    archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)


def _file_name(name: str) -> str:
    """A data set's name as that of a file."""
    return _UNSAFE.sub("_", name).strip(" .")[:80] or "data"


_WRITERS: dict[str, Callable[[Dataset, Store, Any, Progress | None], None]] = {
    ".csv": _write_csv,
    ".jsonl": _write_jsonl,
    ".zip": _write_zip,
}
