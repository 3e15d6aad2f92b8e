"""The form of a new run: what it offers, what it starts, what it refuses."""

from backend.runs import list_runs
from backend.tasks import get_task, list_tasks
from tests.pages.conftest import OpenPage, words
from tests.pages.seeds import IMAGES, TEXTS, seed_run

PAGE = "train/new_run.py"


def test_every_task_and_model_is_offered(open_page: OpenPage) -> None:
    page = open_page(PAGE)
    keys = {button.key for button in page.button}
    assert {f"choose_new_task_{task.name}" for task in list_tasks()} <= keys
    assert {f"choose_new_model_{spec.name}" for spec in get_task(IMAGES).models} <= keys
    page.button(key=f"choose_new_task_{TEXTS}").click()
    page.run()
    assert not page.exception
    keys = {button.key for button in page.button}
    assert {f"choose_new_model_{spec.name}" for spec in get_task(TEXTS).models} <= keys


def test_start_with_the_defaults(open_page: OpenPage) -> None:
    page = open_page(PAGE)
    page.button(key="new_start").click()
    page.run()
    assert not page.exception
    (run,) = list_runs()
    assert run.task == IMAGES
    assert page.query_params["run"] == str(run.id)


def test_start_with_other_choices(open_page: OpenPage) -> None:
    page = open_page(PAGE)
    page.button(key="choose_new_dataset_digits").click()
    page.run()
    page.button(key="choose_new_model_cnn").click()
    page.run()
    field = next(field for field in page.number_input if field.label == "Epochs")
    field.set_value(2)
    page.text_input(key="new_name").set_value("  My <b>run</b>  ")
    page.run()
    page.button(key="new_start").click()
    page.run()
    (run,) = list_runs()
    assert (run.dataset_id, run.model, run.name) == ("digits", "cnn", "My <b>run</b>")
    assert run.config["epochs"] == 2


def test_a_copy_starts_from_the_same_choices(open_page: OpenPage) -> None:
    run = seed_run(name="old", task=TEXTS, model="lstm", dataset="languages")
    page = open_page(PAGE, clone=str(run.id))
    assert "old" in page.text_input(key="new_name").value
    page.button(key="new_start").click()
    page.run()
    copy = list_runs()[0]
    assert (copy.task, copy.model, copy.dataset_id) == (TEXTS, "lstm", "languages")
    assert copy.config == run.config
    assert copy.name != run.name


def test_a_copy_of_nothing_is_told(open_page: OpenPage) -> None:
    for asked in ("99", "x", "../.."):
        page = open_page(PAGE, clone=asked)
        assert page.error
        assert "no run" in page.error[0].value.lower()


def test_a_data_set_in_the_address_is_chosen(open_page: OpenPage) -> None:
    page = open_page(PAGE, data="topics")
    assert page.session_state["new_task"] == TEXTS
    assert page.session_state["new_dataset"] == "topics"


def test_a_model_from_elsewhere_that_is_none_gets_a_sentence(open_page: OpenPage) -> None:
    page = open_page(PAGE, data="topics")
    page.button(key="choose_new_model_another-model").click()
    page.run()
    assert not page.exception
    page.text_input(key="new_other_model").set_value("no such model!")
    page.run()
    assert not page.exception
    assert page.error
    assert not list_runs()


def test_pretrained_is_asked_only_where_there_are_weights(open_page: OpenPage) -> None:
    page = open_page(PAGE)
    assert "Pretrained weights" not in {toggle.label for toggle in page.toggle}
    page.button(key="choose_new_model_mobilenet_v2").click()
    page.run()
    assert "Pretrained weights" in {toggle.label for toggle in page.toggle}


def test_an_unwritable_name_is_refused_with_a_sentence(open_page: OpenPage) -> None:
    page = open_page(PAGE)
    page.text_input(key="new_name").set_value("\u0000\u0001")
    page.run()
    page.button(key="new_start").click()
    page.run()
    assert not page.exception
    assert "name" in words(page).lower()
    assert page.error or list_runs()
