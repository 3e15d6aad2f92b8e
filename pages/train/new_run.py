"""New run: what to learn, from which data, with which model, how; then start."""

from typing import Any

import streamlit as st

from backend import runs
from backend.errors import TrainroomError
from backend.tasks import get_task, list_tasks
from pages.components import links
from pages.components.choice_cards import Choice, choice_cards
from pages.components.errors import explain_error, told
from pages.components.layout import card, page_header
from pages.train.choices import choose_dataset, choose_model
from pages.train.settings_step import settings_step


def main() -> None:
    page_header("New run", "Four choices, all made for you already. Change what you like.")
    prefill = _prefill()
    task_name = _choose_task()
    task = get_task(task_name)
    _step(2, "Which data should it learn from?")
    dataset = choose_dataset(task)
    if dataset is None:
        return
    _step(3, "Which model?")
    spec = choose_model(task)
    if spec is None:
        return
    _step(4, "How should it train?")
    with card("settings"):
        config = settings_step(task, spec, prefill)
        name = st.text_input(
            "Name of this run", key="new_name", max_chars=100,
            placeholder=f"{dataset.name} · {spec.title}", help="Optional; you can rename it later.",
        )  # fmt: skip
        if config is not None:
            _start(task_name, dataset.id, spec.name, name, config)


def _step(number: int, question: str) -> None:
    st.space("small")
    st.markdown(f"### :gray-badge[{number}] {question}", anchors=False)


def _choose_task() -> str:
    _step(1, "What should it learn?")
    choices = [
        Choice(task.name, task.title, task.description, icon=task.icon) for task in list_tasks()
    ]
    return choice_cards("new_task", choices, width=300)


def _prefill() -> dict[str, Any]:
    """What ?clone=ID or ?data=ID ask for; put into the widgets' state once per address."""
    asked = {**dict.fromkeys(("clone", "data"), ""), **st.query_params.to_dict()}
    if st.session_state.get("new_asked") == asked:
        return st.session_state.get("new_prefill", {})
    st.session_state["new_asked"] = asked
    prefill: dict[str, Any] = {}
    with told("That run cannot be copied"):
        if asked["clone"]:
            prefill = runs.clone_run(_number(asked["clone"]))
            # A failed run's way on names what it changes; the form checks it like any input.
            config = prefill["config"]
            config |= {name: value for name, value in asked.items() if name in config}
            st.session_state["new_name"] = prefill["name"]
        elif asked["data"]:
            from backend.datasets import get_dataset

            dataset = get_dataset(asked["data"])
            prefill = {"task": dataset.task, "dataset": dataset.id}
    for field, key in (("task", "new_task"), ("dataset", "new_dataset"), ("model", "new_model")):
        if prefill.get(field):
            st.session_state[key] = prefill[field]
    st.session_state["new_prefill"] = prefill
    return prefill


def _number(text: str) -> int:
    """A run's number from the address; 0, which no run has, where it is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 13 else 0


def _start(task: str, dataset: str, model: str, name: str, config: dict[str, Any]) -> None:
    if not st.button(
        "Start training", type="primary", icon=":material/play_arrow:", key="new_start"
    ):
        return
    try:
        run = runs.start_run(
            task=task, dataset=dataset, model=model, name=name.strip() or None, config=config
        )
    except TrainroomError as error:
        explain_error(error, "The training could not start")
    else:
        for key in ("new_name", "new_asked", "new_prefill"):
            st.session_state.pop(key, None)
        st.switch_page(links.RUN, query_params={"run": str(run.id)})


main()
