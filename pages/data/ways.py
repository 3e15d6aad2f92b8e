"""The ways to give data to the page: files, a folder, a pasted table, a camera, this computer."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO

import streamlit as st

from backend.datasets.formats import DataFormat
from backend.datasets.incoming.given import give
from backend.datasets.incoming.server_folders import allowed_folders
from backend.errors import TrainroomError
from backend.settings import MAX_UPLOAD_MB
from pages.components.errors import error_box, explain_error
from pages.components.wording import plural
from pages.data.camera import record_classes
from pages.data.hub_way import from_hub
from pages.data.server_way import from_server
from pages.data.steps import go_on

MAX_PASTED = 5_000_000
PASTE_HELP = {
    "table": "Copy cells in Excel or a table on a web page, and paste them here.",
    "text": "Paste texts here; a blank line ends a paragraph.",
}


@dataclass(frozen=True)
class Way:
    """One way: what its button says and what it draws."""

    title: str
    icon: str
    draw: Callable[[DataFormat], None]


def give_data(data_format: DataFormat) -> None:
    """Let the user choose a way; what is given goes into the page's address."""
    ways = _ways(data_format)
    chosen = st.segmented_control(
        "How do you have it?", list(ways), default="files", required=True,
        key=f"way_{data_format.name}",
        format_func=lambda name: f":material/{ways[name].icon}: {ways[name].title}",
    )  # fmt: skip
    ways[chosen or "files"].draw(data_format)


def _ways(data_format: DataFormat) -> dict[str, Way]:
    ways = {"files": Way("Files", "upload_file", _files)}
    if data_format.is_files or data_format.item == "text":
        ways["folder"] = Way("A folder", "drive_folder_upload", _folder)
    if not data_format.is_files:
        ways["paste"] = Way("Paste", "content_paste", _paste)
    if data_format.item == "image" and data_format.target == "class":
        ways["camera"] = Way("Camera", "photo_camera", record_classes)
    if data_format.item == "audio":
        ways["camera"] = Way("Microphone", "mic", record_classes)
    if allowed_folders():
        ways["server"] = Way("On the server", "dns", from_server)
    if data_format.target != "boxes":
        ways["hub"] = Way("Hugging Face Hub", "cloud_download", from_hub)
    return ways


def _limit() -> int:
    return int(min(MAX_UPLOAD_MB.value(), st.get_option("server.maxUploadSize")))


def _larger() -> None:
    """What to do with more than a browser can send."""
    other = ", or *On the server*" if allowed_folders() else ""
    st.caption(
        f"Up to {_limit():,} MB a file. Larger ones: `python -m backend import` in a terminal"
        f"{other}. Many small files travel faster as one zip."
    )


def _files(data_format: DataFormat) -> None:
    uploads = st.file_uploader(
        "Drop your files here", list(data_format.extensions), accept_multiple_files=True,
        max_upload_size=_limit(), key=f"import_upload_{data_format.name}",
    )  # fmt: skip
    _larger()
    if uploads:
        title = uploads[0].name if len(uploads) == 1 else plural(len(uploads), "file")
        _take(title, [(one.name, one) for one in uploads])


def _folder(data_format: DataFormat) -> None:
    uploads = st.file_uploader(
        "Drop a whole folder here", list(data_format.extensions),
        accept_multiple_files="directory", max_upload_size=_limit(),
        key=f"import_folder_{data_format.name}",
    )  # fmt: skip
    _larger()
    if uploads:
        title = uploads[0].name.replace("\\", "/").split("/")[0] or "folder"
        _take(title, [(one.name, one) for one in uploads])


def _paste(data_format: DataFormat) -> None:
    plain = data_format.target == "none" and data_format.item == "text"
    with st.form("paste", border=False):
        text = st.text_area(
            PASTE_HELP["text" if plain else "table"], height=220, max_chars=MAX_PASTED,
            placeholder="" if plain else "text\tlabel\nI liked it\tgood\nNever again\tbad",
        )  # fmt: skip
        if not st.form_submit_button("Look at it", type="primary", icon=":material/search:"):
            return
    if not text.strip():
        error_box("There is nothing to look at", "Paste something first.")
        return
    name = "pasted.txt" if plain else "pasted.tsv"
    _take("pasted text" if plain else "pasted table", [(name, io.BytesIO(text.encode()))])


def _take(title: str, streams: Sequence[tuple[str, IO[bytes]]]) -> None:
    """Copy what the browser sent to the disk, and go on to what was understood."""
    try:
        with st.spinner("Copying …"):
            given = give(title, streams)
    except TrainroomError as error:
        explain_error(error, "It could not be taken")
        return
    go_on(given)
