"""How far an import or download is, with a button that ends it; for pages that started one."""

import streamlit as st

from backend.datasets import errands
from backend.errors import TrainroomError
from pages.components import links
from pages.components.errors import error_box
from pages.components.layout import card
from pages.components.wording import escape

LOOK_SECONDS = 0.7


def follow_errand(errand_id: str, *, small: bool = False) -> bool:
    """A bar that moves by itself until the errand ends, and then reruns the page.

    Returns whether the user has just ended it.
    """
    ended = st.session_state.pop(f"ended_{errand_id}", False)
    if not ended:
        _bar(errand_id, small)
    return bool(ended)


@st.fragment(run_every=LOOK_SECONDS)
def _bar(errand_id: str, small: bool) -> None:
    try:
        errand = errands.find_errand(errand_id)
    except TrainroomError:
        st.rerun()
    if not errand.is_running:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        share = min(1.0, max(0.0, errand.share))
        with st.container(width="stretch"):
            title = f"{escape(errand.title, 40)}: " if small else ""
            st.progress(share, text=f"{title}{escape(errand.words, 100)}")
        st.button(
            "Cancel", icon=":material/close:", key=f"cancel_{errand_id}", on_click=_end,
            args=(errand_id,), help="Ends it and keeps nothing of it",
        )  # fmt: skip


def _end(errand_id: str) -> None:
    errands.end_errand(errand_id)
    st.session_state[f"ended_{errand_id}"] = True


def going_on(*kinds: str) -> None:
    """A card with all imports and downloads that are going on, and what has failed of them."""
    found = errands.shown_errands(kinds or ("import", "download"))
    running = [one for one in found if one.is_running]
    if running:
        with card("errands"):
            st.markdown("#### :material/hourglass_top: Going on")
            for errand in running:
                follow_errand(errand.id, small=True)
                if errand.kind == "import":
                    st.page_link(
                        links.IMPORT, label="See it", icon=":material/open_in_full:",
                        query_params={"errand": errand.id},
                    )  # fmt: skip
    for errand in found:
        if errand.state == "failed":
            error_box(f"{escape(errand.title, 60)} did not come in", errand.error)
            st.button(
                "I have seen it", key=f"seen_{errand.id}", on_click=errands.end_errand,
                args=(errand.id,),
            )  # fmt: skip
