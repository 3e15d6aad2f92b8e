"""The queue on a run's page and beside the table: what each waits for, hold, earlier, later."""

from collections.abc import Callable

import streamlit as st

from backend.errors import TrainroomError
from backend.queue_order import (
    hold_run,
    move_in_queue,
    queue_position,
    release_run,
    waiting_list,
    waits_for,
)
from backend.runs import Run, RunStatus, get_run, list_runs
from pages.components import links
from pages.components.errors import explain_error
from pages.components.layout import card
from pages.components.wording import escape

SHOWN = 8


def queue_card(run: Run) -> None:
    """What a queued run waits for, told anew as the queue moves, and the buttons that change it."""

    def body() -> None:
        now = get_run(run.id)
        if now.status is not RunStatus.QUEUED:
            return  # the live part notices it as well, and has the whole page drawn again
        icon = "pause_circle" if now.held else "schedule"
        st.info(escape(waits_for(now), 400), icon=f":material/{icon}:")
        with st.container(horizontal=True):
            queue_buttons([now])

    st.fragment(body, run_every=3)()


def queue_list() -> None:
    """The queue as it will start, with the buttons of each run; nothing where nobody waits."""
    waiting = waiting_list()
    if not waiting:
        return
    with card("queue"):
        st.markdown("#### The queue")
        for number, (run, sentence) in enumerate(waiting[:SHOWN], start=1):
            with st.container(horizontal=True, vertical_alignment="center", key=f"queued_{run.id}"):
                place = ":material/pause_circle:" if run.held else f"{number}."
                st.markdown(
                    f"{place} **{escape(run.name, 50)}**  \n:gray[{escape(sentence, 300)}]",
                    width="stretch",
                )
                queue_buttons([run], f"_{run.id}")
                st.page_link(links.RUN, label="Open", query_params={"run": str(run.id)})
        if len(waiting) > SHOWN:
            st.caption(f"And {len(waiting) - SHOWN:,} more.")


def queue_buttons(waiting: list[Run], suffix: str = "") -> None:
    """Hold or let go; for a single one that has others beside it, also earlier and later.

    suffix: tells the buttons of several lines of one page apart.
    """
    if all(run.held for run in waiting):
        _button("Let it start" if len(waiting) == 1 else "Let them start", "play_arrow",
                f"release{suffix}", lambda: [release_run(run.id) for run in waiting])  # fmt: skip
        return
    others = [run for run in list_runs([RunStatus.QUEUED]) if not run.held]
    if len(waiting) == 1 and len(others) > 1:
        number, place = waiting[0].id, queue_position(waiting[0].id)
        _button("Earlier", "arrow_upward", f"up{suffix}",
                lambda: move_in_queue(number, "up"), off=place == 1)  # fmt: skip
        _button("Later", "arrow_downward", f"down{suffix}",
                lambda: move_in_queue(number, "down"), off=place == len(others))  # fmt: skip
    _button("Hold", "pause_circle", f"hold{suffix}",
            lambda: [hold_run(run.id) for run in waiting],
            words="Keeps it from starting until you let it go.")  # fmt: skip


def _button(
    label: str, icon: str, key: str, act: Callable[[], object], *, words: str = "",
    off: bool = False,
) -> None:  # fmt: skip
    """A button that changes the queue and has the page drawn again."""
    if st.button(
        label, icon=f":material/{icon}:", key=f"queue_{key}", disabled=off, help=words or None
    ):
        try:
            act()
        except TrainroomError as error:
            explain_error(error, "The queue did not change")
        else:
            st.rerun()
