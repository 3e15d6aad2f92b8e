"""How a network learns: one example forwards, its loss, the gradient, and one correction."""

import streamlit as st

from backend import lessons, runs
from backend.errors import TrainroomError
from backend.lessons import Lesson
from backend.runs import Run
from backend.tasks import get_task
from pages.components import links
from pages.components.asked_run import asked_number
from pages.components.errors import explain_error
from pages.components.layout import card, empty_state, page_header
from pages.components.wording import escape
from pages.learn.lesson_correction import correction
from pages.learn.lesson_parts import backward, forward, loss, picture
from pages.use.picture_input import picture_input

RATES = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)
FIRST_RATE = 0.001
GIVEN = "lesson_given"


def main() -> None:
    page_header(
        "How a network learns",
        "Look on while one of your own networks sees one example, errs, and is corrected. All "
        "numbers are real; none needs to be understood before the sentence beside it.",
    )
    found = {run.id: run for run in lessons.teachable_runs()}
    if not found:
        _no_run()
        return
    with card("lesson_choice"):
        run = _choose(found)
        try:
            value, truth = _example(run)
        except TrainroomError as error:  # the data is gone
            explain_error(error, "There are no examples to show")
            return
        rate = st.select_slider(
            "Learning rate", RATES, FIRST_RATE, key="lesson_rate", width=320,
            format_func=lambda one: f"{one:g}",
            help="How large each correction is. Try a large one and look at the last part.",
        )  # fmt: skip
    if truth is None:
        st.info("Now say what your picture really is.", icon=":material/help:")
        return
    try:
        with st.spinner("The network looks at it …"):
            lesson = _taught(run.id, run.best_step or 0, value, truth, rate)
    except TrainroomError as error:
        explain_error(error, "It cannot be shown")
        return
    picture(lesson)
    forward(lesson)
    loss(lesson)
    backward(lesson)
    correction(lesson, run)


def _no_run() -> None:
    place = empty_state(
        "school", "A small network is needed first",
        "It has two layers, trains in seconds, and can then be looked into.",
    )  # fmt: skip
    choices = lessons.first_choices()
    if choices and place.button("Train one", type="primary", icon=":material/play_arrow:"):
        task, dataset = choices
        try:
            run = runs.start_run(task=task.name, dataset=dataset, model=lessons.MODEL)
        except TrainroomError as error:
            explain_error(error, "The training could not start")
        else:
            st.switch_page(links.RUN, query_params={"run": str(run.id)})


def _choose(found: dict[int, Run]) -> Run:
    numbers = list(found)
    first = asked_number() if asked_number() in found else numbers[0]
    number = st.selectbox(
        "Network", numbers, numbers.index(first), key=f"lesson_run_{first}",
        format_func=lambda one: f"#{one} {found[one].name}" if one in found else str(one),
    )  # fmt: skip
    if number != first:
        st.query_params["run"] = str(number)
    return found[number]


def _example(run: Run) -> tuple[bytes, str | None]:
    """What the network is to look at, and what it really is."""
    examples = _hard(run.id, run.best_step or 0)
    state = st.session_state.setdefault(GIVEN, {})
    st.markdown("**An example that it finds hard**, from the part that it has never seen")
    row = st.container(horizontal=True, key="samples_lesson")
    for place, (number, value, label) in enumerate(examples):
        with row.container(width="content", gap="xsmall", horizontal_alignment="center"):
            st.image(value, width=56, alt=f"Example of {label}")
            if st.button(escape(label, 12), key=f"lesson_take_{run.id}_{number}"):
                state[run.id] = (value, label)
        if place == 0 and run.id not in state:
            state[run.id] = (value, label)
    with st.expander("Or one of your own", icon=":material/draw:"):
        own = picture_input(run, get_task(run.task))
        if own is not None:
            state[run.id] = (own.value, "")
    return _truth(run, state)


def _truth(run: Run, state: dict[int, tuple[bytes, str]]) -> tuple[bytes, str | None]:
    value, label = state[run.id]
    classes = _classes(run.id, run.best_step or 0)
    said = st.selectbox(
        "What it really is", classes, classes.index(label) if label in classes else None,
        key=f"lesson_truth_{run.id}_{hash(value)}_{label}", width=320, placeholder="Choose",
        help="The network is told so. Tell it something wrong, and it learns that.",
    )  # fmt: skip
    return value, said


@st.cache_data(max_entries=20, show_spinner=False)
def _hard(run_id: int, _step: int) -> list[tuple[int, bytes, str]]:
    """Number, picture and class of examples to offer; the run's best step keeps them apart."""
    found = lessons.hard_examples(runs.get_run(run_id))
    return [(one.index, one.png, one.label) for one in found if one.png is not None]


@st.cache_data(max_entries=20, show_spinner=False)
def _classes(run_id: int, _step: int) -> list[str]:
    return lessons.classes_of(runs.get_run(run_id))


@st.cache_data(max_entries=50, show_spinner=False)
def _taught(run_id: int, step: int, value: bytes, truth: str, rate: float) -> Lesson:
    """The lesson's numbers; the same question has the same answer."""
    return lessons.teach(run_id, value, truth, rate)


main()
