"""Add data: upload a table or a zip of pictures, check what was understood, bring it in."""

from functools import partial
from pathlib import Path

import streamlit as st

from backend import datasets
from backend.datasets import Dataset
from backend.errors import TrainroomError
from backend.settings import MAX_UPLOAD_MB
from backend.tasks import Task, list_tasks
from pages.components import links
from pages.components.choice_cards import Choice, choice_cards
from pages.components.errors import explain_error, told
from pages.components.layout import card, page_header
from pages.components.wording import escape, plural

HOW = {
    "text": (
        "A table (CSV) with one column of texts and one of labels.",
        ["csv", "tsv", "txt", "zip"],
    ),
    "image": (
        "A zip with one folder per class, and in each folder its pictures.",
        ["zip"],
    ),
}


def main() -> None:
    page_header("Add your own data", "It is copied into Trainroom's own folder, and nowhere else.")
    done = st.query_params.get("done")
    if done:
        with told("This data set is gone"):
            _result(datasets.get_dataset(done))
        return
    st.markdown("### :gray-badge[1] What should a model learn from it?", anchors=False)
    tasks = {task.name: task for task in list_tasks()}
    choices = [Choice(task.name, task.title, HOW[task.input_kind][0], task.icon)
               for task in tasks.values()]  # fmt: skip
    task = tasks[choice_cards("import_task", choices, width=300)]
    st.markdown("### :gray-badge[2] Your file", anchors=False)
    with card("upload"):
        path = _upload(task)
        if path is not None:
            _form(task, path, st.session_state["import_file"][1])


def _upload(task: Task) -> Path | None:
    """The uploaded file on disk; written once per upload."""
    words, kinds = HOW[task.input_kind]
    limit = int(min(MAX_UPLOAD_MB.value(), st.get_option("server.maxUploadSize")))
    upload = st.file_uploader(
        words, kinds, key=f"import_upload_{task.name}", max_upload_size=limit,
        help="Larger files: python -m backend import, in a terminal.",
    )  # fmt: skip
    if upload is None:
        return None
    known = st.session_state.get("import_file")
    # A file that waited for long was tidied away; the upload itself is still here.
    if known is None or known[0] != upload.file_id or not known[2].exists():
        try:
            path = datasets.save_upload(upload.name, upload)
        except TrainroomError as error:
            explain_error(error, "The file could not be read")
            return None
        st.session_state["import_file"] = (upload.file_id, upload.name, path)
    return st.session_state["import_file"][2]


def _form(task: Task, path: Path, original: str) -> None:
    text_column = label_column = None
    if task.input_kind == "text" and not original.lower().endswith(".zip"):
        columns = _columns(path, original)
        if columns is None:
            return
        text_column, label_column = columns
    name = st.text_input("Name of the data set", Path(original).stem[:100], max_chars=100)
    if not st.button("Bring it in", type="primary", icon=":material/download_done:"):
        return
    path.touch()  # what lies about for ten minutes is tidied away
    bar = st.progress(0.0, text="Reading …")
    try:
        dataset = datasets.import_dataset(
            path, task=task.name, name=name, text_column=text_column, label_column=label_column,
            original_name=original, progress=partial(_show, bar),
        )  # fmt: skip
    except TrainroomError as error:
        bar.empty()
        explain_error(error, "The data could not be brought in")
        return
    path.unlink(missing_ok=True)
    st.session_state.pop("import_file", None)
    st.query_params["done"] = dataset.id
    st.rerun()


def _columns(path: Path, original: str) -> tuple[str, str] | None:
    """Show the first rows and let the guessed columns be corrected."""
    try:
        preview = datasets.inspect_table(path, original)
    except TrainroomError as error:
        explain_error(error, "The table could not be read")
        return None
    st.dataframe(preview.rows[:8], hide_index=True, alt="The first rows of the table")
    left, right = st.columns(2)
    columns = list(preview.columns)

    def index(guess: str | None, otherwise: int) -> int:
        return columns.index(guess) if guess in columns else min(otherwise, len(columns) - 1)

    text = left.selectbox("The column with the texts", columns, index(preview.text_column, 0))
    label = right.selectbox("The column with the labels", columns, index(preview.label_column, 1))
    return text, label


def _show(bar: st.delta_generator.DeltaGenerator, words: str, share: float) -> None:
    bar.progress(min(1.0, max(0.0, share)), text=escape(words, 100))


def _result(dataset: Dataset) -> None:
    count = int(dataset.details.get("skipped_count", len(dataset.skipped)))
    left_out = f" {plural(count, 'row')} left out, listed with the data." if count else ""
    st.success(
        f"{plural(dataset.rows, 'example')} in "
        f"{plural(len(dataset.classes), 'class', 'classes')} are ready.{left_out}",
        title=escape(dataset.name), icon=":material/check_circle:",
    )  # fmt: skip
    for warning in dataset.details.get("warnings", []):
        st.warning(escape(str(warning), 400), icon=":material/warning:")
    with st.container(horizontal=True):
        if st.button("Train on it", type="primary", icon=":material/rocket_launch:"):
            st.switch_page(links.NEW_RUN, query_params={"data": dataset.id})
        if st.button("Look inside", icon=":material/search:"):
            st.switch_page(links.DATASET, query_params={"data": dataset.id})
        if st.button("Add more data", icon=":material/upload:"):
            st.switch_page(links.IMPORT)


main()
