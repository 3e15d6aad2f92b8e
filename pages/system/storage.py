"""Storage: what takes how much of the disk, and clearing it without losing results."""

from collections.abc import Callable, Sequence

import pandas as pd
import streamlit as st

from backend import disk, runs
from backend.disk import DiskUse, RunUse
from backend.errors import TrainroomError
from pages.components.errors import explain_error
from pages.components.layout import card, empty_state, page_header
from pages.components.status import look_of
from pages.components.wording import ago, escape, megabytes, plural
from pages.system.downloads import downloads_card

MB = 2**20
ROW, MOST_HEIGHT = 36, 540


def main() -> None:
    page_header("Storage", "What Trainroom keeps on this computer, and how to clear it.")
    with st.spinner("Measuring …"):
        use = disk.disk_use()
    _figures(use)
    st.markdown("#### Runs by size")
    kept = [one for one in use.runs if one.bytes]
    if kept:
        # A fragment, so that ticking a row does not measure the disk again.
        st.fragment(_runs)(kept)
    else:
        empty_state("hard_drive", "No run has saved anything yet", "Here you will clear old ones.")
    if use.downloads:
        downloads_card(use.downloads, _ask)


def _figures(use: DiskUse) -> None:
    sizes = {
        "Free on the disk": use.free, "Runs": sum(one.bytes for one in use.runs),
        "Data sets": use.datasets, "Downloads": use.downloads, "Database": use.database,
    }  # fmt: skip
    grid = st.grid(5, min_column_width=140, gap="small")
    for label, size in sizes.items():
        grid.metric(label, megabytes(size / MB) if size else "none", border=True, height="stretch")


def _runs(kept: list[RunUse]) -> None:
    frame = pd.DataFrame(
        {
            "Name": [one.run.name for one in kept],
            "Status": [look_of(one.run).word for one in kept],
            "Model": [one.run.model for one in kept],
            "Size": [one.bytes / MB for one in kept],
            "Saved copies": [one.copies for one in kept],
            "Ended": [ago(one.run.ended_at) if one.run.has_ended else "–" for one in kept],
        }
    )
    # Another key after each clearing: the ticks would stay on rows that are other runs by then.
    turn = st.session_state.setdefault("storage_turn", 0)
    picked = st.dataframe(
        frame, key=f"storage_table_{turn}", hide_index=True, on_select="rerun", row_height=ROW,
        height=min(MOST_HEIGHT, ROW * (len(kept) + 1) + 2), selection_mode="multi-row",
        column_config={"Size": st.column_config.NumberColumn(format="%.1f MB")},
        alt="Runs by size on disk",
    )  # fmt: skip
    chosen = [kept[row] for row in picked.selection.rows if row < len(kept)]
    with card("storage_actions", horizontal=True, vertical_alignment="center"):
        _actions(chosen)


def _actions(chosen: list[RunUse]) -> None:
    if not chosen:
        st.markdown(":gray[Tick runs at the left to clear them.]")
        return
    busy = any(one.run.is_active for one in chosen)
    size = megabytes(sum(one.bytes for one in chosen) / MB)
    words = f"{plural(len(chosen), 'run')} selected, {size}"
    st.markdown(words + (" · :gray[One is still training.]" if busy else ""), width="stretch")
    names = ", ".join(f"**{escape(one.run.name, 50)}**" for one in chosen[:5])
    names += f" and {len(chosen) - 5} more" if len(chosen) > 5 else ""
    for label, icon, act, lost in (
        ("Keep only the best copy", "star", disk.keep_best_copy,
         "older copies go. The best model can still be tried, and training can go on from it."),
        ("Delete the model, keep the curves", "layers_clear", disk.delete_model,
         "the model cannot be tried or trained further any more. Curves, settings and log stay."),
        ("Delete the run", "delete", runs.delete_run,
         "model, curves, settings and log will be gone. The data set stays."),
    ):  # fmt: skip
        if st.button(label, icon=f":material/{icon}:", disabled=busy):
            _ask(f"{names}: {lost}", [_for(act, one.run.id) for one in chosen])


def _for(act: Callable[[int], object], run_id: int) -> Callable[[], object]:
    return lambda: act(run_id)


@st.dialog("Clear this for good?", icon=":material/delete:")
def _ask(words: str, acts: Sequence[Callable[[], object]]) -> None:
    st.markdown(words)
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Keep"):
            st.rerun()
        pressed = st.button("Clear", type="primary", icon=":material/delete:",
                            key="clear_confirmed", on_click=_clear, args=(acts,))  # fmt: skip
    error = st.session_state.pop("storage_error", None)
    if error is not None:
        explain_error(error, "Not everything could be cleared")
    elif pressed:
        st.rerun()


def _clear(acts: Sequence[Callable[[], object]]) -> None:
    """What the dialog's button does, before the page is drawn again."""
    freed = 0
    st.session_state["storage_turn"] = st.session_state.get("storage_turn", 0) + 1
    try:
        for act in acts:
            size = act()
            freed += size if isinstance(size, int) else 0
    except (TrainroomError, OSError) as error:
        st.session_state["storage_error"] = error
    else:
        words = f"{megabytes(freed / MB)} are free again" if freed else "Cleared"
        st.toast(words, icon=":material/check_circle:")


main()
