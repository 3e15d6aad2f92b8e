"""The first-run tour: its card on the home page and its line in the sidebar; never in the way."""

import streamlit as st

from backend import tour
from backend.errors import TrainroomError
from backend.runs import Run
from backend.tour import STEPS, Tour
from pages.components import links
from pages.components.errors import explain_error
from pages.components.layout import card

PLACES = {"watch": links.RUN, "result": links.RUN, "try": links.PLAYGROUND, "learn": links.LESSON}
"""Where each step leads, once there is a run."""
VISITED = {"playground": "try", "learn": "learn"}


def tour_card() -> bool:
    """The five steps with what is done; nothing once the tour was put away. Whether it is there."""
    found = tour.current_tour()
    if found is None:
        return False
    with card("tour"):
        head = st.container(horizontal=True, vertical_alignment="center")
        count = sum(found.done)
        head.markdown(
            "#### :material/explore: Your first model, in five steps"
            + (f" :gray[· {count} of {len(STEPS)}]" if count else ""),
            anchors=False, width="stretch",
        )  # fmt: skip
        head.button(
            "Put away", icon=":material/close:", type="tertiary", key="tour_away",
            on_click=tour.put_away, help="For good. Nothing else depends on the tour.",
        )  # fmt: skip
        current = found.current
        for place, step in enumerate(STEPS):
            if place == current:
                _current(found, place)
            else:
                icon = "check_circle" if found.done[place] else "radio_button_unchecked"
                color = "green" if found.done[place] else "gray"
                st.markdown(f":{color}[:material/{icon}:] :gray[{step.title}]")
        if current is None:
            _after()
    return True


def _current(found: Tour, place: int) -> None:
    """The step that comes next, with its sentence and its button."""
    step = STEPS[place]
    with st.container(horizontal=True, vertical_alignment="center", key="tour_current"):
        st.markdown(
            f":blue[:material/radio_button_checked:] **{place + 1}. {step.title}**  \n{step.words}",
            width="stretch",
        )
        if found.run is None:
            if st.button(
                step.button, type="primary", icon=f":material/{step.icon}:", key="tour_go"
            ):
                _start()
        elif found.waits:
            st.button(
                step.button, icon=":material/hourglass_top:", disabled=True, key="tour_go",
                help="As soon as the training is done.",
            )  # fmt: skip
        elif st.button(step.button, type="primary", icon=f":material/{step.icon}:", key="tour_go"):
            st.switch_page(PLACES[step.name], query_params={"run": str(found.run.id)})


def _start() -> None:
    try:
        run = tour.start()
    except TrainroomError as error:
        explain_error(error, "The training could not start")
    else:
        st.session_state.pop("tour_none", None)
        st.switch_page(links.RUN, query_params={"run": str(run.id)})


def _after() -> None:
    st.markdown("**That was the tour.** What comes next is up to you:")
    with st.container(horizontal=True):
        st.page_link(links.IMPORT, label="Bring your own data", icon=":material/upload:")
        st.page_link(links.NEW_RUN, label="Train another model", icon=":material/rocket_launch:")
        st.page_link(links.WORDS, label="Look words up", icon=":material/menu_book:")


def tour_line(page: str) -> None:
    """In the sidebar: which step comes next. Also remembers that a step's page was opened.

    page: the address of the page that is open, without what follows the question mark.
    """
    if st.session_state.get("tour_none"):
        return
    found = tour.current_tour()
    if found is None:
        st.session_state["tour_none"] = True
        return
    if found.run is None:
        return
    _note(page, found.run)
    found = tour.current_tour()
    if found is None or found.current is None:
        return
    step = STEPS[found.current]
    st.caption(f":material/explore: Tour · step {found.current + 1} of {len(STEPS)}")
    if found.waits:
        st.caption(f"{step.title}: as soon as the training is done.")
    else:
        st.page_link(
            PLACES[step.name], label=step.title, icon=f":material/{step.icon}:",
            query_params={"run": str(found.run.id)},
        )  # fmt: skip


def _note(page: str, run: Run) -> None:
    """Which step somebody has done by being here."""
    if page == "run" and st.query_params.get("run") == str(run.id):
        tour.note("watch")
        if run.has_ended:
            tour.note("result")
    elif page in VISITED and run.has_ended:
        tour.note(VISITED[page])
