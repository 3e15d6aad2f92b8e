"""The table of runs: one row each, sortable by every column; quick with a thousand."""

import time

import pandas as pd
import streamlit as st

from backend.runs import Run
from backend.tasks import list_tasks
from pages.components.status import LOOKS, score
from pages.components.wording import duration

ROW = 36
MOST_HEIGHT = 620
SIGNS = {
    "Waiting": "○", "Starting": "◔", "Training": "▶", "Stopping": "◼",
    "Finished": "✓", "Failed": "✕", "Stopped": "◼", "Lost": "?",
}  # fmt: skip


def selected_runs(runs: list[Run]) -> list[Run]:
    """Draw the table; returns the runs whose rows are ticked."""
    picked = st.dataframe(
        runs_frame(runs),
        key="runs_table",
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        height=min(MOST_HEIGHT, ROW * (len(runs) + 1) + 4),
        row_height=ROW,
        column_config=_columns(),
        alt="All runs with status, name, task, model, data, score, duration and start",
    )
    return [runs[row] for row in picked.selection.rows if row < len(runs)]


def runs_frame(runs: list[Run]) -> pd.DataFrame:
    """The table's values; sortable ones stay numbers and times."""
    titles = {task.name: task.title for task in list_tasks()}
    rows = []
    for run in runs:
        found = score(run)
        word = LOOKS[run.status].word
        rows.append(
            {
                "Run": run.id,
                "Status": f"{SIGNS[word]} {word}",
                "Name": run.name,
                "Task": titles.get(run.task, run.task),
                "Model": run.model,
                "Data": run.dataset_name,
                "Score": found[1] if found else None,
                "Done": run.progress,
                "Duration": _took(run),
                "Started": pd.Timestamp(run.started_at or run.created_at, unit="s", tz="UTC"),
            }
        )
    return pd.DataFrame(rows)


def _took(run: Run) -> str:
    if run.started_at is None:
        return "–"
    return duration((run.ended_at or time.time()) - run.started_at)


def _columns() -> dict[str, object]:
    column = st.column_config
    return {
        "Run": column.NumberColumn("#", width=60, format="%d"),
        "Status": column.TextColumn(width=110),
        "Name": column.TextColumn(width="medium"),
        "Score": column.NumberColumn(
            format="percent", help="Right answers on examples kept aside.", width=80
        ),
        "Done": column.ProgressColumn(format="percent", min_value=0, max_value=1, width=110),
        "Started": column.DatetimeColumn(format="distance", width=120),
    }
