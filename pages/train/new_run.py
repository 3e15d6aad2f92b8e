"""New run: what to learn, from which data, with which model, how; then start."""

from dataclasses import asdict, replace
from typing import Any

import streamlit as st

from backend import runs
from backend.errors import TrainroomError
from backend.runs import Plan, default_config
from pages.components import links
from pages.components.asked_run import as_number
from pages.components.errors import explain_error, told
from pages.components.layout import card, page_header
from pages.components.pin_basket import BASKET, waiting_for
from pages.train.choices import choose_dataset, choose_task
from pages.train.model_choice import choose_model
from pages.train.pins_step import pins_step
from pages.train.preflight_panel import preflight_panel
from pages.train.settings_step import settings_step
from pages.train.steps import open_step, step_title


def main() -> None:
    page_header("New run", "Four choices, all made for you already. Change what you like.")
    prefill = _prefill()
    task = choose_task()
    dataset = choose_dataset(task)
    if dataset is None:
        return
    spec = choose_model(task, dataset)
    if spec is None:
        return
    step_title(4, "How should it train?")
    plan = Plan(task, spec, dataset, default_config(task.name, spec.name, dataset))
    with card("settings"):
        settings = settings_step(plan, prefill)
    if settings is None:
        return
    plan = replace(plan, config=settings.config)
    preflight_panel(plan, settings.presets, settings.form_key)
    pins_step(task, prefill.get("pinned", []), st.session_state.get("new_asked"))
    with st.container(horizontal=True, vertical_alignment="bottom", key="start_row"):
        name = st.text_input(
            "Name of this run", key="new_name", max_chars=100,
            placeholder=f"{dataset.name} · {spec.title}", help="Optional; you can rename it later.",
        )  # fmt: skip
        _start(plan, name, prefill.get("parent"))


def _prefill() -> dict[str, Any]:
    """What ?clone=ID or ?data=ID ask for; put into the widgets' state once per address."""
    asked = {**dict.fromkeys(("clone", "data"), ""), **st.query_params.to_dict()}
    if st.session_state.get("new_asked") == asked:
        return st.session_state.get("new_prefill", {})
    st.session_state["new_asked"] = asked
    prefill: dict[str, Any] = {}
    with told("That run cannot be copied"):
        if asked["clone"]:
            prefill = runs.clone_run(as_number(asked["clone"]))
            # A failed run's way on names what it changes; the form checks it like any input.
            config = prefill["config"]
            config |= {name: value for name, value in asked.items() if name in config}
            if "model" in asked:
                # With the settings that suit it, not with those of the copied run.
                prefill |= {"model": asked["model"], "config": {}, "name": ""}
            st.session_state["new_name"] = prefill["name"]
            st.session_state.pop("new_preset", None)
            open_step(None)
        elif asked["data"]:
            from backend.datasets import get_dataset

            dataset = get_dataset(asked["data"])
            # Whoever sends here may wish for settings, such as the data doctor.
            wishes = {name: value for name, value in asked.items() if name not in ("data", "clone")}
            prefill = {"task": dataset.task, "dataset": dataset.id, "wishes": wishes}
            open_step("model")
    for field, key in (("task", "new_task"), ("dataset", "new_dataset"), ("model", "new_model")):
        if prefill.get(field):
            st.session_state[key] = prefill[field]
    st.session_state["new_prefill"] = prefill
    return prefill


def _start(plan: Plan, name: str, parent: int | None) -> None:
    if not st.button(
        "Start training", type="primary", icon=":material/play_arrow:", key="new_start"
    ):
        return
    try:
        run = runs.start_run(
            task=plan.task.name,
            dataset=plan.dataset.id,
            model=plan.spec.name,
            name=name.strip() or None,
            config=asdict(plan.config),
            pinned=waiting_for(plan.task),
            parent=parent,
        )
    except TrainroomError as error:
        explain_error(error, "The training could not start")
    else:
        for key in ("new_name", "new_asked", "new_prefill", "new_preset", "new_open", BASKET):
            st.session_state.pop(key, None)
        st.switch_page(links.RUN, query_params={"run": str(run.id)})


main()
