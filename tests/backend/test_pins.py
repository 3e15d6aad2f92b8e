"""Pins: kept with a run, taken along by copies, gone with the run."""

import io
from pathlib import Path

import pytest
from PIL import Image

from backend import pins, runs
from backend.errors import DataError, UsageError
from backend.jobs.recorder import Recorder
from backend.pins import NewPin
from backend.tasks import get_task
from storage import files
from storage import runs as stored

TEXTS = get_task("text-classification")
PAIRS = get_task("image-similarity")


def new_run(name: str = "a") -> int:
    return stored.create_run(
        name=name, task=TEXTS.name, model="gru", dataset_id="d", dataset_name="d", config={}
    ).id


def picture(side: int = 8) -> bytes:
    file = io.BytesIO()
    Image.new("L", (side, side), 90).save(file, "PNG")
    return file.getvalue()


def test_what_was_given_comes_back_and_the_order_stays(home: Path) -> None:
    run = new_run()
    for text in ("first\nline", "日本語 🙂", "<b>x</b>"):
        pins.add_pin(run, TEXTS, NewPin(text, text, "praise"))
    found = pins.list_pins(run)
    assert [pins.read_value(pin) for pin in found] == ["first\nline", "日本語 🙂", "<b>x</b>"]
    assert found[0].title == "first line"
    assert found[0].truth == "praise"
    pair = [picture(), picture(9)]
    other = new_run("b")
    pins.add_pin(other, PAIRS, NewPin(pair, "two"))
    assert pins.read_value(pins.list_pins(other)[0]) == pair


def test_at_most_eight_and_a_removed_one_makes_room(home: Path) -> None:
    run = new_run()
    for number in range(pins.MOST):
        pins.add_pin(run, TEXTS, NewPin(f"text {number}", ""))
    with pytest.raises(UsageError, match="At most 8"):
        pins.add_pin(run, TEXTS, NewPin("one more", ""))
    assert len(list(files.pins_dir(run).iterdir())) == pins.MOST
    pins.remove_pin(pins.list_pins(run)[0])
    assert len(list(files.pins_dir(run).iterdir())) == pins.MOST - 1
    pins.add_pin(run, TEXTS, NewPin("one more", ""))


@pytest.mark.parametrize(
    ("task", "value", "words"),
    [
        (TEXTS, b"bytes", "takes texts"),
        (TEXTS, "  ", "empty"),
        (TEXTS, "x" * 20_000_001, "larger"),
        (PAIRS, [], "empty"),
        (PAIRS, [b"no picture", b"none"], "picture"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_a_sentence(
    home: Path, task: object, value: object, words: str
) -> None:
    run = new_run()
    with pytest.raises((UsageError, DataError), match=words):
        pins.add_pin(run, task, NewPin(value, ""))  # type: ignore[arg-type]
    assert pins.list_pins(run) == []


def test_deleting_a_run_deletes_its_pins_and_their_files(home: Path) -> None:
    run, other = new_run(), new_run("b")
    for one in (run, other):
        pins.add_pin(one, TEXTS, NewPin("my secret", "my secret"))
    runs.delete_run(run)
    assert pins.list_pins(run) == []
    assert not files.run_dir(run).exists()
    assert len(pins.list_pins(other)) == 1
    held = [path for path in files.home().rglob("*") if path.is_file()]
    assert sum(b"my secret" in path.read_bytes() for path in held if "pins" in path.parts) == 1


def test_a_copy_takes_the_examples_and_names_its_origin(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "ensure_supervisor", lambda: None)
    first = runs.start_run(
        task=TEXTS.name, dataset="topics", model="embedding-bag", pinned=[NewPin("text", "t", "x")]
    )
    gone = pins.add_pin(first.id, TEXTS, NewPin("gone", "gone"))
    (files.pins_dir(first.id) / gone.file).unlink()
    copy = runs.start_run(**runs.clone_run(first.id))
    assert copy.parent_id == first.id
    assert first.parent_id is None
    (pin,) = pins.list_pins(copy.id)
    assert (pins.read_value(pin), pin.truth) == ("text", "x")
    pins.remove_pin(pins.list_pins(first.id)[0])
    assert pins.read_value(pin) == "text", "the copy has its own file"


def test_the_recorder_finds_what_is_pinned_later_and_passes_over_damage(home: Path) -> None:
    run = new_run()
    claimed = stored.claim_run(lambda *_: "cpu", pid=1, process_started=0.0, host="")
    assert claimed is not None
    recorder = Recorder(*claimed, "cpu")
    try:
        assert recorder.pinned() == []
        kept = pins.add_pin(run, TEXTS, NewPin("kept", ""))
        damaged = pins.add_pin(run, TEXTS, NewPin("damaged", ""))
        (files.pins_dir(run) / damaged.file).write_bytes(b"\x05")
        assert recorder.pinned() == [(kept.id, "kept")]
    finally:
        recorder.close()
