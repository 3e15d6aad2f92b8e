"""The mistakes of a run on its test: where they lie, the examples, correcting, training again."""

import streamlit as st

from backend import corrections
from backend.errors import TrainroomError
from backend.runs import Run
from backend.scores.mistakes import Change
from pages.components import links
from pages.components.asked_run import asked_run
from pages.components.errors import explain_error
from pages.components.layout import card, empty_state, page_header
from pages.components.wording import escape, percent, plural
from pages.train.confusion_part import confusion_part
from pages.train.mistake_list import mistake_list


def main() -> None:
    run = asked_run()
    if run is None:
        page_header("Mistakes")
        place = empty_state(
            "search_off", "There is no such run", "It may have been deleted, or the link is wrong."
        )
        place.page_link(links.RUNS, label="See all runs", icon=":material/table_rows:")
        return
    st.set_page_config(page_title=f"Mistakes of {run.name[:60]} · Trainroom")
    try:
        tested = corrections.tested(run)
    except TrainroomError as error:
        _header(run, "")
        explain_error(error, "There is nothing to look at")
        return
    answers = tested.answers
    wrong = len(answers.wrong)
    words = f"{wrong:,} of {plural(len(answers), 'test example')} wrong"
    _header(run, f"{words} ({percent(wrong / len(answers))}) · {escape(tested.dataset.name, 60)}")
    changed = corrections.before_and_after(run)
    if changed is not None:
        _before_and_after(*changed)
    left, right = st.columns([2, 3], gap="medium")
    with left:
        confusion_part(tested)
        _again(run)
    with right:
        mistake_list(tested)


def _header(run: Run, caption: str) -> None:
    with page_header(f"Mistakes of {escape(run.name, 60)}", caption):
        st.page_link(
            links.RUN, label="Back to the run", icon=":material/arrow_back:",
            query_params={"run": str(run.id)},
        )  # fmt: skip


def _before_and_after(parent: Run, change: Change) -> None:
    with card("before_and_after"):
        st.markdown("#### Before and after")
        old, new = change.before / change.shared, change.after / change.shared
        before, after, mended, broken = st.columns(4)
        before.metric(f"#{parent.id}", percent(old), help="The run that this one was made from.")
        after.metric("This run", percent(new), f"{100 * (new - old):+.1f} %")
        mended.metric("Only this one right", len(change.mended))
        broken.metric("Only the earlier one right", len(change.broken))
        st.caption(
            f"Both on the same {plural(change.shared, 'test example')}, by the labels as they are "
            "corrected now."
        )


def _again(run: Run) -> None:
    """What was corrected so far, and the button that trains on it."""
    with card("train_corrected"):
        st.markdown("#### Train on the corrected data")
        try:
            dataset = corrections.to_correct(run)
        except TrainroomError as error:
            explain_error(error, "The data set is gone")
            return
        fresh = dataset is None or (dataset.id, dataset.version) == (
            run.dataset_id, run.dataset_version,
        )  # fmt: skip
        if fresh or dataset is None:
            st.caption("Relabel or leave out examples first: that makes a new version of the data.")
        else:
            st.markdown(f"**{escape(dataset.name, 60)}**, version {dataset.version}")
            st.page_link(
                links.DATASET, label="See it and its history", icon=":material/database:",
                query_params={"data": dataset.id},
            )  # fmt: skip
        if st.button(
            "Train again", icon=":material/rocket_launch:", type="primary", disabled=fresh,
            key="mistakes_train", help="A new run with the same settings on the newest version.",
        ):  # fmt: skip
            try:
                child = corrections.train_again(run)
            except TrainroomError as error:
                explain_error(error, "It cannot start")
                return
            st.switch_page(links.RUN, query_params={"run": str(child.id)})


main()
