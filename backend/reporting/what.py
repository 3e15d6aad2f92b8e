"""What a run is made of: data, model, settings, machine and versions, as tables of a report."""

import dataclasses
from collections.abc import Mapping

from backend.comparing.differences import labels, value_words
from backend.datasets import get_dataset
from backend.errors import TrainroomError
from backend.reporting.parts import fact_table
from backend.runs import Run, run_seconds
from backend.scores.results import load_results
from backend.tasks import get_task
from backend.wording import device_words, duration

CLASSES_SHOWN = 20
PARTS = {"train": "training", "validation": "validation", "test": "test"}


def data_facts(run: Run) -> Mapping[str, object]:
    """The data set as of the version that the run learnt from."""
    facts: dict[str, object] = {"Data set": run.dataset_name, "Version": run.dataset_version}
    try:
        dataset = get_dataset(run.dataset_id, run.dataset_version)
    except TrainroomError as error:
        return {**facts, "Note": str(error)}
    facts["Examples"] = f"{dataset.rows:,}"
    facts["Parts"] = ", ".join(
        f"{count:,} for {PARTS.get(name, name)}" for name, count in dataset.splits.items()
    )
    if dataset.classes:
        shown = ", ".join(dataset.classes[:CLASSES_SHOWN])
        more = len(dataset.classes) - CLASSES_SHOWN
        facts["Classes"] = f"{len(dataset.classes):,}: {shown}" + (
            f" and {more:,} more" if more > 0 else ""
        )
    if dataset.skipped:
        facts["Left out"] = f"{len(dataset.skipped):,} that could not be read"
    facts["Source"], facts["Licence"] = dataset.source, dataset.licence
    return {name: value for name, value in facts.items() if value != ""}


def model_facts(run: Run) -> Mapping[str, object]:
    """The network and the task."""
    try:
        task = get_task(run.task)
        spec = task.get_model(run.model)
    except TrainroomError:
        return {"Model": run.model, "Task": run.task}
    facts = {
        "Task": f"{task.title}: {task.description}",
        "Model": spec.title,
        "In short": spec.description,
        "Weights": f"about {spec.parameters:,}" if spec.parameters else "",
        "From": spec.library if spec.library != "trainroom" else "",
        "Licence": spec.licence,
    }
    return {name: value for name, value in facts.items() if value}


def settings_tables(run: Run) -> str:
    """What was chosen first; what was left as it was, folded away."""
    words = labels([run])
    try:
        fields = {one.name: one for one in dataclasses.fields(get_task(run.task).config)}
    except TrainroomError:
        fields = {}
    chosen: dict[str, object] = {}
    rest: dict[str, object] = {}
    for name, value in run.config.items():
        field = fields.get(name)
        special = field is None or not field.metadata["advanced"] or value != field.default
        (chosen if special else rest)[words.get(name, (name, ""))[0]] = value_words(value)
    folded = (
        f"<details><summary>The others, left as they were</summary>{fact_table(rest)}</details>"
        if rest
        else ""
    )
    return fact_table(chosen) + folded


def machine_facts(run: Run) -> Mapping[str, object]:
    """Where and how long it was computed, and by which versions."""
    facts: dict[str, object] = {}
    if run.started_at is not None:
        facts["Device"] = device_words(run.device)
        facts["Time"] = duration(run_seconds(run))
        facts["Steps"] = f"{run.step:,} of {run.total_steps:,}"
    if run.best_step is not None:
        facts["Best copy"] = f"from step {run.best_step:,}"
    if run.attempt > 1:
        facts["Continued"] = f"{run.attempt - 1}×"
    if run.parent_id is not None:
        facts["Made from"] = f"run {run.parent_id}"
    results = load_results(run.id)
    if results is not None and results.versions:
        facts["Versions"] = ", ".join(f"{name} {one}" for name, one in results.versions.items())
    return facts
