"""A page of texts, pairs or ratings as a table; classes, parts and texts change in place."""

from typing import Any

import streamlit as st

from backend.datasets import Dataset, edits
from backend.datasets.browse import LEFT_OUT, Shown
from backend.datasets.edits import Change
from backend.datasets.formats import get_format
from pages.components.wording import plural
from pages.data.chosen_examples import chosen_bar
from pages.data.dataset_words import SPLITS, change_and_rerun

TICK, CLASS, PART = "✓", "Class", "Part"
HEIGHT, ROW, WIDE = 560, 35, 620


def table_page(dataset: Dataset, shown: list[Shown]) -> None:
    """One row per example; with a box to tick where the data set can be changed."""
    rows = [_row(dataset, one) for one in shown]
    height = min(HEIGHT, 38 + ROW * len(rows))
    if dataset.bundled:
        st.dataframe(
            [{name: cell for name, cell in row.items() if name != TICK} for row in rows],
            hide_index=True, height=height, column_config=_columns(dataset),
            alt="Examples of this data set",
        )  # fmt: skip
        return
    bar = st.container()
    numbers = [one.example.index for one in shown]
    key = f"table_{dataset.id}_{dataset.version}_{hash(tuple(numbers))}"
    fixed = [name for name in rows[0] if name not in _editable(dataset)]
    table = st.data_editor(
        rows, hide_index=True, height=height, column_config=_columns(dataset), key=key,
        disabled=fixed, num_rows="fixed",
    )  # fmt: skip
    changes = changes_of(dataset, rows, table, numbers)
    with bar:
        chosen_bar(dataset, [numbers[i] for i, row in enumerate(table) if row[TICK]], [])
        if changes and st.button(
            f"Save {plural(len(changes), 'change')}", type="primary", icon=":material/save:",
            key="save_changes",
        ):  # fmt: skip
            change_and_rerun(lambda: edits.change(dataset, changes))


def _row(dataset: Dataset, one: Shown) -> dict[str, Any]:
    example, target = one.example, get_format(dataset.format).target
    row: dict[str, Any] = {TICK: False, **dict.fromkeys(_texts(dataset), "")}
    row |= dict(zip(_texts(dataset), (example.text or "", example.target or ""), strict=False))
    if target == "class":
        row[CLASS] = example.label
    return {**row, PART: SPLITS.get(one.split, one.split)}


def _texts(dataset: Dataset) -> tuple[str, ...]:
    """The names of the columns that hold texts."""
    if get_format(dataset.format).target == "text":
        return ("What goes in", "What should come out")
    return ("Rating",) if get_format(dataset.format).item == "rating" else ("Text",)


def _editable(dataset: Dataset) -> set[str]:
    texts = set(_texts(dataset)) if get_format(dataset.format).item == "text" else set()
    return {TICK, CLASS, PART, *texts}


def _columns(dataset: Dataset) -> dict[str, Any]:
    parts = [SPLITS[name] for name in (*dataset.splits, LEFT_OUT)]
    config: dict[str, Any] = {
        TICK: st.column_config.CheckboxColumn(width="small", pinned=True),
        PART: st.column_config.SelectboxColumn(options=parts, width="small", required=True),
        **{name: st.column_config.TextColumn(width=WIDE) for name in _texts(dataset)},
    }
    if get_format(dataset.format).target == "class":
        config[CLASS] = st.column_config.SelectboxColumn(
            options=list(dataset.classes), width="small", required=True
        )
    return config


def changes_of(
    dataset: Dataset,
    before: list[dict[str, Any]],
    after: list[dict[str, Any]],
    numbers: list[int],
) -> dict[int, Change]:
    """What was changed in the table, by the examples' numbers."""
    splits = {word: name for name, word in SPLITS.items()}
    texts = _texts(dataset)
    found = {}
    for number, old, new in zip(numbers, before, after, strict=True):
        different = {name: new[name] for name in new if name != TICK and new[name] != old[name]}
        if different:
            found[number] = Change(
                label=different.get(CLASS),
                split=splits.get(different.get(PART, "")),
                text=different.get(texts[0]),
                target=different.get(texts[1]) if len(texts) > 1 else None,
            )
    return found
