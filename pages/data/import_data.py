"""Add data: what do you have, give it, see what was understood, bring it in; the page's order."""

import streamlit as st

from backend import datasets
from backend.datasets import errands
from backend.datasets.formats import FORMATS, DataFormat, get_format
from backend.datasets.incoming.given import Given, find_given, forget_given
from backend.errors import TrainroomError
from backend.tasks import tasks_for
from pages.components.choice_cards import Choice, choice_cards
from pages.components.errand_progress import follow_errand, going_on
from pages.components.errors import explain_error, told
from pages.components.layout import card, page_header
from pages.components.wording import escape, megabytes, plural
from pages.data.import_result import show_result
from pages.data.understood import understood
from pages.data.ways import give_data


def main() -> None:
    page_header("Add your own data", "It is copied into Trainroom's own folder, and nowhere else.")
    query = st.query_params
    if "done" in query:
        with told("This data set is gone"):
            show_result(datasets.get_dataset(query["done"][:200]))
    elif "errand" in query:
        _progress(query["errand"][:200])
    else:
        going_on("import")
        given = _given()
        data_format = _format(given)
        if given is None:
            _heading(2, "Bring it here")
            with card("ways"):
                give_data(data_format)
        else:
            _heading(2, "What you brought")
            _what_was_given(given)
            _heading(3, "Is this right?")
            understood(given, data_format)


def _heading(number: int, words: str) -> None:
    st.markdown(f"### :gray-badge[{number}] {words}", anchors=False)


def _given() -> Given | None:
    """What was given on this page before; the address names it, so that a reload finds it."""
    name = st.query_params.get("given")
    if not name:
        return None
    try:
        return find_given(name[:200])
    except TrainroomError as error:
        del st.query_params["given"]
        explain_error(error, "It has to be given again")
        return None


def _format(given: Given | None) -> DataFormat:
    """The kind of data: chosen among cards, or one line once something was given."""
    usable = [one for one in FORMATS if tasks_for(one.name)]
    chosen = st.query_params.get("what", "")
    if chosen in [one.name for one in usable] and "import_format" not in st.session_state:
        st.session_state["import_format"] = chosen
    _heading(1, "What do you have?")
    if given is None:
        choices = [
            Choice(one.name, one.title, one.how, tasks_for(one.name)[0].icon) for one in usable
        ]
        found = choice_cards("import_format", choices, width=300)
    else:
        names = [one.name for one in usable]
        found = st.session_state.get("import_format", names[0])
        found = st.pills(
            "Kind of data", names, default=found if found in names else names[0], required=True,
            label_visibility="collapsed", key="import_format_line",
            format_func=lambda name: get_format(name).title,
        ) or names[0]  # fmt: skip
        st.session_state["import_format"] = found
    st.query_params["what"] = found
    return get_format(found)


@st.fragment(run_every=60)
def _keep(given_id: str) -> None:
    """What was given is cleared away after ten minutes, but not while somebody looks at it."""
    with told("It has to be given again"):
        find_given(given_id)


def _what_was_given(given: Given) -> None:
    _keep(given.id)
    with card("given"), st.container(horizontal=True, vertical_alignment="center"):
        size = f" · {megabytes(given.size / 2**20)}" if given.files else ""
        count = f" · {plural(len(given.files), 'file')}" if len(given.files) > 1 else ""
        st.markdown(f":material/draft: **{escape(given.title, 80)}**{count}{size}", width="stretch")
        if st.button("Take something else", icon=":material/undo:"):
            forget_given(given.id)
            del st.query_params["given"]
            st.rerun()


def _progress(errand_id: str) -> None:
    """The import that the address names: how far it is, or what became of it."""
    try:
        errand = errands.find_errand(errand_id)
        if not errand.is_running:
            dataset = errands.imported(errand)
            errands.end_errand(errand.id)
            st.query_params.clear()
            st.query_params["done"] = dataset.id
            st.rerun()
    except TrainroomError as error:
        errands.end_errand(errand_id)
        del st.query_params["errand"]
        explain_error(error, "The data could not be brought in")
        if st.button("Look at it again", icon=":material/undo:", type="primary"):
            st.rerun()
        return
    with card("progress"):
        st.markdown(f"#### Bringing in {escape(errand.title, 80)}")
        if follow_errand(errand.id):
            del st.query_params["errand"]
            st.rerun()
    st.caption(
        "This goes on if you leave the page. Come back to it with the browser's history, or find "
        "it on top of the list of data sets."
    )


main()
