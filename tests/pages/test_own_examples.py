"""Pinning one's own examples: in the form, on the run's page, and what the run said of them."""

from backend import opinions, pins
from backend.pins import NewPin
from backend.runs import RunStatus, list_runs
from backend.tasks import get_task
from storage import snapshots
from tests.pages.conftest import OpenPage, words
from tests.pages.seeds import TEXTS, seed_run


def test_the_run_page_shows_what_it_said_and_how_that_changed(open_page: OpenPage) -> None:
    open_page()
    run = seed_run(RunStatus.RUNNING, task=TEXTS, model="lstm", dataset="languages", done=40)
    task = get_task(TEXTS)
    pin = pins.add_pin(run.id, task, NewPin("Hvad <b>er</b> det?", "Hvad", "Danish"))
    page = open_page("train/run.py", run=str(run.id))
    assert "has not been asked yet" in words(page)
    for step, label in ((10, "<i>Swedish"), (20, "Danish")):
        answer = {"label": label, "probabilities": {label: 0.81}}
        content = {"kind": opinions.KIND, "answers": [{"pin": pin.id, "answer": answer}]}
        snapshot(run.id, step, content)
    page = open_page("train/run.py", run=str(run.id))
    shown = words(page)
    assert "**Danish**" in shown
    assert "81.0 %" in shown
    assert "right" in shown
    assert "changed its mind once" in shown
    assert "<b>" not in shown.replace("\\<", "")
    assert "<i>" not in shown.replace("\\<", "")
    page.select_slider(key=f"own_examples_{run.id}").set_value("epoch 1 · step 10")
    page.run()
    assert "**\\<i\\>Swedish**" in words(page)
    page.button(key=f"unpin_{pin.id}").click()
    page.run()
    assert not page.exception
    assert not pins.list_pins(run.id)


def snapshot(run_id: int, step: int, content: dict[str, object]) -> None:
    from storage import database

    with database.write() as session:
        snapshots.add(
            session, run_id, 1, step=step, epoch=step / 10, kind=opinions.KIND, content=content
        )


def test_a_copied_run_takes_its_examples_along(open_page: OpenPage) -> None:
    open_page()
    run = seed_run(task=TEXTS, model="lstm", dataset="languages")
    pins.add_pin(run.id, get_task(TEXTS), NewPin("Hvad er det?", "Hvad er det?"))
    page = open_page("train/new_run.py", clone=str(run.id))
    assert "Hvad er det" in words(page)
    page.text_area(key="pin_text_new_text").set_value("A second one")
    next(button for button in page.button if button.label == "Pin it").click()
    page.run()
    assert not page.exception
    page.button(key="new_start").click()
    page.run()
    assert not page.exception
    child = next(one for one in list_runs() if one.id != run.id)
    assert child.parent_id == run.id
    assert [pin.title for pin in pins.list_pins(child.id)] == ["Hvad er det?", "A second one"]
