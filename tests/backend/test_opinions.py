"""How a run's opinion of the user's own examples changed, in order and in words."""

import json
from pathlib import Path

import pytest

from backend import opinions, pins
from backend.cli.main import main
from backend.opinions import Opinion, turn_words, turns
from backend.pins import NewPin
from backend.runs import get_run
from backend.tasks import get_task
from storage import database, snapshots
from storage import runs as stored


def said(*labels: str) -> list[Opinion]:
    return [
        Opinion(10 * (place + 1), place + 1.0, {"label": label, "probabilities": {label: 0.9}})
        for place, label in enumerate(labels)
    ]


def test_turns_are_the_changes() -> None:
    assert [one.words for one in turns(said("a", "a", "b", "b", "a"))] == ["a", "b", "a"]
    assert turns([]) == []


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (["a"], ""),
        (["a", "a", "a"], "It has said so at all 3 evaluations."),
        (["a", "b", "b"], "It changed its mind once, last at step 20, and has said so at the 2 "
                          "evaluations since."),
        (["a", "b", "a"], "It changed its mind 2 times, last at step 30."),
    ],
)  # fmt: skip
def test_changes_in_words(labels: list[str], words: str) -> None:
    assert turn_words(said(*labels)) == words


def test_snapshots_become_opinions_and_the_command_line_tells_them(
    home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    task = get_task("text-classification")
    run = stored.create_run(
        name="a", task=task.name, model="gru", dataset_id="d", dataset_name="d", config={}
    )
    assert main(["pins", str(run.id), "--text", "hello there", "--truth", "b"]) == 0
    pins.add_pin(run.id, task, NewPin("later", "later"))
    first, second = (pin.id for pin in pins.list_pins(run.id))
    for step, label in ((10, "a"), (20, "b")):
        answers = [{"pin": first, "answer": {"label": label, "probabilities": {label: 0.8}}}]
        if step == 20:
            answers.append({"pin": second, "answer": {"error": "Too long."}})
        content = {"kind": opinions.KIND, "answers": answers}
        with database.write() as session:
            snapshots.add(
                session, run.id, 1, step=step, epoch=step / 10, kind=opinions.KIND, content=content
            )
    found = opinions.opinions(opinions.moments_of(get_run(run.id)))
    assert [one.words for one in found[first]] == ["a", "b"]
    assert [one.words for one in found[second]] == ["Too long."]
    capfd.readouterr()
    assert main(["pins", str(run.id), "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert [one["title"] for one in told] == ["hello there", "later"]
    assert told[0]["truth"] == "b"
    assert [one["step"] for one in told[0]["answers"]] == [10, 20]
