"""How long it takes to say why: every model that explains, at its full size, on bundled data."""

import sys
import time
from typing import TYPE_CHECKING

from tests.benchmarks.preflight import cases, plan_of
from tests.benchmarks.report import Table, median, options_parser, publish
from tests.benchmarks.rooms import fresh_home

if TYPE_CHECKING:
    from backend.models.spec import ModelSpec
    from backend.tasks import Task
    from storage.records import Dataset

EXAMPLES = 5
GOAL = 3.0


def measure(task: "Task", spec: "ModelSpec", dataset: "Dataset") -> tuple[list[float], list[float]]:
    """Of each example the seconds to the first part and to the last."""
    import torch

    from backend.datasets.preview import read_example
    from backend.datasets.store import Store
    from backend.models.text_pairs import TextPairProcessor

    # Weights that are not here are random ones: they take as long.
    config = plan_of(task, spec, dataset).config
    processor = task.build_processor(dataset, spec, config)
    store = Store.open(dataset)
    if isinstance(processor, TextPairProcessor):
        # Random weights never end an answer: they write as much as the longest right one has.
        truths = [store.target_text(index) for index in store.indices("test").tolist()]
        processor.max_answer = max(len(ids) for ids in processor.encode_answers(truths))
    pretrained = bool(getattr(config, "pretrained", False))
    model = task.build_model(spec, processor, config, pretrained=pretrained)
    model = model.eval().requires_grad_(False)
    indices = store.indices("test")[:: max(1, len(store.indices("test")) // EXAMPLES)][:EXAMPLES]
    first, last = [], []
    for number in [int(indices[0]), *indices.tolist()]:
        value = read_example(dataset, store, number).value
        begun, seen = time.perf_counter(), []
        for _ in task.explain(model, processor, value, torch.device("cpu")):
            seen.append(time.perf_counter() - begun)
        if seen:
            first.append(seen[0])
            last.append(seen[-1])
    return first[1:], last[1:]  # the very first call loads what the others find


def main(arguments: list[str]) -> None:
    options = options_parser("explaining", __doc__).parse_args(arguments)
    table = Table(
        "explaining",
        "Why this answer: seconds until it is said",
        ("task, model", "data", "first part", "all parts", "longest"),
    )
    with fresh_home():
        for task, spec, dataset in cases(options.only):
            first, last = measure(task, spec, dataset) if task.explains else ([], [])
            if last:
                seconds = [f"{one:.2f}" for one in (median(first), median(last), max(last))]
                table.add(f"{task.title}, `{spec.name}`", dataset.name, *seconds)
                print(table.rows[-1], file=sys.stderr, flush=True)
    table.notes.append(
        f"Medians of {EXAMPLES} test examples, model loaded, weights as at the start of a training "
        f"with the model's own settings; answers are as long as the longest right one. Goal: "
        f"below {GOAL:g} s. The first part is shown at once."
    )
    publish(table, keep=options.keep)


if __name__ == "__main__":
    main(sys.argv[1:])
