"""The table of runs: one row each, sortable by every column; quick with a thousand."""

import pandas as pd
import streamlit as st

from backend.glossary import meaning
from backend.runs import Run, run_seconds
from backend.tasks import list_tasks
from backend.wording import duration
from pages.components import links
from pages.components.status import Score, look_of, score

ROW = 36
MOST_HEIGHT = 620
SIGNS = {
    "Waiting": "○", "Starting": "◔", "Training": "▶", "Stopping": "◼",
    "Held": "‖", "Finished": "✓", "Failed": "✕", "Stopped": "◼", "Lost": "?",
}  # fmt: skip


def selected_runs(runs: list[Run]) -> list[Run]:
    """Draw the table; returns the runs whose rows are ticked."""
    picked = st.dataframe(
        runs_frame(runs),
        key="runs_table",
        placeholder="–",
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        height=min(MOST_HEIGHT, ROW * (len(runs) + 1) + 2),
        row_height=ROW,
        column_config=_columns(),
        alt="All runs with status, name, task, model, data, score, duration and start",
    )
    click = st.session_state.get("runs_open")
    if click and click["row"] < len(runs):
        st.switch_page(links.RUN, query_params={"run": str(runs[click["row"]].id)})
    return [runs[row] for row in picked.selection.rows if row < len(runs)]


def runs_frame(runs: list[Run]) -> pd.DataFrame:
    """The table's values; sortable ones stay numbers and times."""
    titles = {task.name: task.title for task in list_tasks()}
    rows = []
    for run in runs:
        found = score(run)
        word = look_of(run).word
        share = f" {run.progress:.0%}" if run.is_active and run.step else ""
        rows.append(
            {
                "Open": "Open",
                "Run": run.id,
                "Status": f"{SIGNS[word]} {word}{share}",
                "Name": run.name,
                "Task": titles.get(run.task, run.task),
                "Model": run.model,
                "Data": run.dataset_name,
                "Score": _number(found),
                "Measured": _measured(found),
                "Duration": _took(run),
                "Started": pd.Timestamp(run.started_at or run.created_at, unit="s", tz="UTC"),
            }
        )
    return pd.DataFrame(rows)


def _number(found: Score | None) -> float | None:
    if found is None:
        return None
    return 100 * found.value if found.metric.percent else found.value


def _measured(found: Score | None) -> str:
    if found is None:
        return ""
    return f"% {found.metric.title.lower()}" if found.metric.percent else found.metric.title


def _took(run: Run) -> str:
    return duration(run_seconds(run)) if run.started_at is not None else "–"


def _columns() -> dict[str, object]:
    column = st.column_config
    return {
        "Open": column.ButtonColumn("", width=62, type="tertiary", key="runs_open"),
        "Run": column.NumberColumn("#", width=44, format="%d"),
        "Status": column.TextColumn(width=118),
        "Name": column.TextColumn(width=176),
        "Task": column.TextColumn(width=126),
        "Model": column.TextColumn(width=112, help=meaning("Model")),
        "Data": column.TextColumn(width=92, help=meaning("Data set")),
        "Score": column.NumberColumn(
            format="%.1f", help="Measured on examples kept aside.", width=64
        ),
        "Measured": column.TextColumn("", help="What the score is of.", width=112),
        "Duration": column.TextColumn(width=88),
        "Started": column.DatetimeColumn(format="distance", width=104),
    }
