"""The form of a new run: what it offers, how it folds, what it starts, what it refuses."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from backend import inference
from backend.datasets.images import encode_png
from backend.errors import InferenceError
from backend.models.hub_search import HubModel
from backend.runs import default_config, list_runs, start_run
from backend.tasks import Task, get_task, list_tasks
from pages.components import choice_cards
from pages.train import other_model
from storage import files, preflights
from storage.records import PreflightState, Reason
from tests.backend.models.test_hub_classifiers import save_tiny
from tests.backend.preflight.test_estimates import MEASURED
from tests.pages.conftest import OpenPage, words
from tests.pages.seeds import IMAGES, TEXTS, seed_run

PAGE = "train/new_run.py"


def keys(page: AppTest) -> set[str | None]:
    return {button.key for button in page.button}


def press(page: AppTest, key: str) -> None:
    page.button(key=key).click()
    page.run()
    assert not page.exception, page.exception[0].message


def model_cards(page: AppTest) -> set[str]:
    """Cards of models, the way to another one aside."""
    shown = {key for key in keys(page) if key and key.startswith("choose_new_model_")}
    return shown - {"another-model"}


def choose(page: AppTest, step: str, value: str) -> None:
    """Open a step if it is folded, and press a card."""
    if f"change_{step}" in keys(page):
        press(page, f"change_{step}")
    if f"choose_new_{step}_{value}" not in keys(page):
        press(page, f"new_{step}_show_all")
    press(page, f"choose_new_{step}_{value}")


# Choosing ---------------------------------------------------------------------------------


def test_every_task_is_offered_in_groups(open_page: OpenPage) -> None:
    page = open_page(PAGE)
    assert {f"choose_new_task_{task.name}" for task in list_tasks()} <= keys(page)
    assert {"With pictures", "With texts"} <= {caption.value for caption in page.caption}


def test_a_choice_folds_its_step_and_opens_the_next(open_page: OpenPage) -> None:
    page = open_page(PAGE)
    assert {"change_dataset", "change_model"} <= keys(page)
    assert "change_task" not in keys(page)
    press(page, f"choose_new_task_{TEXTS}")
    assert {"change_task", "change_model", "choose_new_dataset_topics"} <= keys(page)
    press(page, "choose_new_dataset_topics")
    assert {"change_task", "change_dataset", "choose_new_model_gru"} <= keys(page)
    press(page, "choose_new_model_gru")
    assert {"change_task", "change_dataset", "change_model"} <= keys(page)
    assert "**GRU**" in words(page)
    press(page, "change_dataset")
    assert "choose_new_dataset_topics" in keys(page)
    assert "change_model" in keys(page), "one step is open at most"


@pytest.mark.parametrize("task", [IMAGES, TEXTS])
def test_all_models_are_there_behind_a_few(open_page: OpenPage, task: str) -> None:
    page = open_page(PAGE)
    press(page, f"choose_new_task_{task}")
    press(page, "change_model")
    models = {f"choose_new_model_{spec.name}" for spec in get_task(task).models}
    assert len(models & keys(page)) == choice_cards.FEW
    press(page, "new_model_show_all")
    assert models <= keys(page)


def test_further_models_do_not_drown_the_form_and_are_found_by_name(open_page: OpenPage) -> None:
    page = open_page(PAGE)
    press(page, "change_model")
    assert "Show all 82 models" in {button.label for button in page.button}
    press(page, "new_model_show_all")
    assert len(model_cards(page)) == choice_cards.MANY
    assert "58 more" in words(page)
    page.text_input(key="new_model_search").set_value("resnet-50")
    page.run()
    press(page, "choose_new_model_resnet50")
    press(page, "new_start")
    (run,) = list_runs()
    assert (run.model, run.config["pretrained"]) == ("resnet50", False)


def test_the_classic_recipe_is_named(open_page: OpenPage) -> None:
    page = open_page(PAGE)
    choose(page, "task", TEXTS)
    choose(page, "model", "minilm")
    assert "classic recipe" in words(page)
    choose(page, "model", "gru")
    assert "classic recipe" not in words(page)
    assert "What learns" not in {box.label for box in page.selectbox}, "nothing is pretrained"


def test_what_augmentation_does_is_shown_on_demand(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def strips(*plan: Any) -> list[bytes]:
        asked.append(plan)
        return [encode_png(np.zeros((4, 8, 3), np.uint8))]

    monkeypatch.setattr(inference, "augmented", strips)
    page = open_page(PAGE)
    assert "see_augmentation" not in keys(page), "nothing changes: there is nothing to see"
    choose(page, "model", "cnn")
    assert asked == [], "only who asks loads what computes it"
    press(page, "see_augmentation")
    assert asked[0][:4] == (IMAGES, "mnist", 1, "cnn")
    assert asked[0][4]["augmentation"] == "light"
    assert "Left as it is" in words(page)
    page.run()
    assert len(asked) == 1, "what was shown last is kept"
    selectbox(page, "Augmentation").set_value("strong")
    page.run()
    assert asked[-1][4]["augmentation"] == "strong"
    monkeypatch.setattr(inference, "augmented", lambda *plan: (_ for _ in ()).throw(_broken()))
    selectbox(page, "Augmentation").set_value("standard")
    page.run()
    assert "The changes cannot be shown" in words(page)
    assert "new_start" in keys(page), "a run can start all the same"


def _broken() -> InferenceError:
    return InferenceError("It broke down. Try again.")


def selectbox(page: AppTest, label: str) -> Any:
    return next(box for box in page.selectbox if box.label == label)


def found_on_the_hub(name: str, parameters: int) -> HubModel:
    return HubModel(name, "vit", "mit", 1234, parameters, parameters // 250_000, is_here=False)


def test_the_hub_is_searched_when_asked_and_a_find_is_taken(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def search(*question: Any) -> list[HubModel]:
        asked.append(question)
        return [found_on_the_hub("ann/vit", 5_000_000), found_on_the_hub("ann/huge", 10**12)]

    monkeypatch.setattr(other_model, "search_models", search)
    page = open_page(PAGE)
    press(page, "change_model")
    press(page, "another-model")
    assert asked == []
    next(one for one in page.text_input if one.label == "Words in its name").set_value("vit")
    next(one for one in page.button if one.label == "Search").click()
    page.run()
    task = get_task(IMAGES)
    assert asked == [("vit", (IMAGES, *task.hub_tags), task.hub_kinds)]
    said = words(page).replace("\\", "")
    assert "20 MB · 1,234 downloads a month · licence mit" in said
    assert "more than is free" in said
    press(page, "take_ann/vit")
    assert page.text_input(key="new_other_model").value == "ann/vit"
    assert len(asked) == 1
    assert "after a download of 20 MB" in words(page)
    press(page, "new_start")
    (run,) = list_runs()
    assert (run.model, run.config["pretrained"]) == ("ann/vit", True)


def test_a_hub_that_cannot_be_reached_leaves_the_folders(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    save_tiny(tmp_path / "models" / "mine" / "vit", "vit")
    (tmp_path / "models" / "empty").mkdir()
    monkeypatch.setenv("TRAINROOM_DATA_FOLDERS", str(tmp_path / "models"))
    page = open_page(PAGE)
    press(page, "change_model")
    press(page, "another-model")
    next(one for one in page.button if one.label == "Search").click()
    page.run()
    assert "switched off" in str([one.value for one in page.error])
    page.selectbox(key="model_folder_0_").set_value("mine")
    page.run()
    page.selectbox(key="model_folder_0_mine").set_value("vit")
    page.run()
    press(page, "take_folder")
    assert "new_start" in keys(page)
    press(page, "new_start")
    (run,) = list_runs()
    assert run.model == str(tmp_path / "models" / "mine" / "vit")


def test_models_that_were_downloaded_can_be_taken(open_page: OpenPage) -> None:
    save_tiny(files.downloads_dir() / "huggingface" / "ann--tiny", "vit")
    page = open_page(PAGE)
    press(page, "change_model")
    press(page, "another-model")
    press(page, "take_here_ann/tiny")
    assert page.text_input(key="new_other_model").value == "ann/tiny"
    assert "new_start" in keys(page)


def test_models_are_found_by_their_words(open_page: OpenPage) -> None:
    page = open_page(PAGE)
    press(page, "change_model")
    press(page, "new_model_show_all")
    page.text_input(key="new_model_search").set_value("mobilenet fastest")
    page.run()
    assert model_cards(page) == {"choose_new_model_mobilenet_v3_small"}
    page.text_input(key="new_model_search").set_value("nothing like it")
    page.run()
    assert "None of the models" in words(page)
    assert page.session_state["new_model"] == "mlp", "a search chooses nothing"


def test_a_chosen_model_is_among_the_few(open_page: OpenPage) -> None:
    page = open_page(PAGE)
    choose(page, "model", "vit_b_16")
    page.session_state["new_model_all"] = False
    press(page, "change_model")
    assert "choose_new_model_vit_b_16" in keys(page)


def test_models_that_suit_the_data_come_first(open_page: OpenPage) -> None:
    page = open_page(PAGE, data="shapes")
    first = next(button.key for button in page.button if "choose_new_model" in str(button.key))
    assert first == "choose_new_model_mobilenet_v2"
    assert page.session_state["new_model"] == "mobilenet_v2"


def test_a_task_with_another_model_in_mind_keeps_none_of_it(open_page: OpenPage) -> None:
    page = open_page(PAGE)
    choose(page, "model", "mlp")
    choose(page, "task", TEXTS)
    assert not page.error
    assert page.session_state["new_model"] == get_task(TEXTS).models[0].name


def test_start_with_the_defaults(open_page: OpenPage) -> None:
    page = open_page(PAGE)
    press(page, "new_start")
    (run,) = list_runs()
    assert (run.task, run.model) == (IMAGES, "mlp")
    assert run.config == dataclasses.asdict(default_config(IMAGES, "mlp"))
    assert page.query_params["run"] == str(run.id)


def test_start_with_other_choices(open_page: OpenPage) -> None:
    page = open_page(PAGE)
    choose(page, "dataset", "digits")
    choose(page, "model", "cnn")
    number(page, "Epochs").set_value(2)
    page.text_input(key="new_name").set_value("  My <b>run</b>  ")
    page.run()
    press(page, "new_start")
    (run,) = list_runs()
    assert (run.dataset_id, run.model, run.name) == ("digits", "cnn", "My <b>run</b>")
    assert run.config["epochs"] == 2


def number(page: AppTest, label: str) -> Any:
    return next(field for field in page.number_input if field.label == label)


def test_a_copy_starts_from_the_same_choices(open_page: OpenPage) -> None:
    run = seed_run(name="old", task=TEXTS, model="lstm", dataset="languages")
    page = open_page(PAGE, clone=str(run.id))
    assert {"change_task", "change_dataset", "change_model"} <= keys(page), "all is chosen"
    assert page.session_state["new_preset"] == "copy"
    assert "old" in page.text_input(key="new_name").value
    press(page, "new_start")
    copy = list_runs()[0]
    assert (copy.task, copy.model, copy.dataset_id) == (TEXTS, "lstm", "languages")
    assert copy.config == run.config
    assert copy.name != run.name


def test_a_copy_can_take_a_presets_settings_instead(open_page: OpenPage) -> None:
    run = seed_run(name="old")
    page = open_page(PAGE, clone=str(run.id), epochs="77")
    assert number(page, "Epochs").value == 77
    press(page, "choose_new_preset_quick")
    assert number(page, "Epochs").value == 4


def test_a_copy_with_another_model_gets_what_suits_that_model(open_page: OpenPage) -> None:
    run = seed_run(name="old", model="mlp")
    page = open_page(PAGE, clone=str(run.id), model="cnn")
    assert page.session_state["new_model"] == "cnn"
    assert page.session_state["new_preset"] == "balanced"
    press(page, "new_start")
    other = list_runs()[0]
    assert (other.task, other.model, other.dataset_id) == (run.task, "cnn", run.dataset_id)
    assert other.config == dataclasses.asdict(default_config(IMAGES, "cnn"))
    assert other.parent_id == run.id


def test_the_same_model_can_be_asked_for_with_what_suits_it(open_page: OpenPage) -> None:
    run = start_run(
        task=IMAGES, dataset="shapes", model="mobilenet_v2",
        config={"pretrained": False, "epochs": 1},
    )  # fmt: skip
    page = open_page(PAGE, clone=str(run.id), model="mobilenet_v2")
    assert page.session_state["new_preset"] == "balanced"
    press(page, "new_start")
    assert list_runs()[0].config["pretrained"] is True


def test_a_copy_with_a_model_that_is_none_is_told(open_page: OpenPage) -> None:
    page = open_page(PAGE, clone=str(seed_run(name="old").id), model="../../etc")
    assert not page.exception
    press(page, "new_start")
    assert list_runs()[0].model in {spec.name for spec in get_task(IMAGES).models}


def test_few_examples_are_repeated_and_the_form_says_so(open_page: OpenPage) -> None:
    page = open_page(PAGE, data="shapes")
    press(page, "choose_new_model_cnn")
    assert number(page, "Epochs").value == 60
    assert any("should see them often" in one.value for one in page.markdown)
    page = open_page(PAGE, data="mnist")
    assert not any("should see them often" in one.value for one in page.markdown)


def test_a_copy_of_nothing_is_told(open_page: OpenPage) -> None:
    for asked in ("99", "x", "../.."):
        page = open_page(PAGE, clone=asked)
        assert page.error
        assert "no run" in page.error[0].value.lower()


def test_a_data_set_in_the_address_is_chosen(open_page: OpenPage) -> None:
    page = open_page(PAGE, data="topics")
    assert page.session_state["new_task"] == TEXTS
    assert page.session_state["new_dataset"] == "topics"
    assert "choose_new_model_gru" in keys(page), "the model is the next question"


def test_a_model_from_elsewhere_that_is_none_gets_a_sentence(open_page: OpenPage) -> None:
    page = open_page(PAGE, data="topics")
    press(page, "another-model")
    page.text_input(key="new_other_model").set_value("no such model!")
    page.run()
    assert not page.exception
    assert page.error
    assert not list_runs()


def test_pretrained_is_asked_only_where_there_are_weights(open_page: OpenPage) -> None:
    page = open_page(PAGE)
    assert "Pretrained weights" not in {toggle.label for toggle in page.toggle}
    choose(page, "model", "mobilenet_v2")
    assert "Pretrained weights" in {toggle.label for toggle in page.toggle}


def test_an_unwritable_name_is_refused_with_a_sentence(open_page: OpenPage) -> None:
    page = open_page(PAGE)
    page.text_input(key="new_name").set_value("\u0000\u0001")
    page.run()
    press(page, "new_start")
    assert "name" in words(page).lower()
    assert page.error or list_runs()


# Presets and explanations -----------------------------------------------------------------


def test_presets_fill_the_form_and_the_form_wins(open_page: OpenPage) -> None:
    page = open_page(PAGE)
    assert "time not measured yet" in words(page)
    press(page, "choose_new_preset_best")
    assert number(page, "Epochs").value == 45
    number(page, "Epochs").set_value(50)
    page.run()
    press(page, "new_start")
    (run,) = list_runs()
    assert (run.config["epochs"], run.config["early_stopping"]) == (50, 9)
    assert run.config["augmentation"] == "light"


def test_the_advanced_form_says_what_each_setting_does_to_the_curve(open_page: OpenPage) -> None:
    text = words(open_page(PAGE))
    for field in dataclasses.fields(get_task(IMAGES).config):
        if field.metadata["advanced"] and field.name not in ("pretrained", "freeze_backbone"):
            assert field.metadata["curve"] in text, field.name


@pytest.mark.parametrize("task", list_tasks(), ids=lambda task: task.name)
def test_every_setting_is_explained(task: Task) -> None:
    for field in dataclasses.fields(task.config):
        assert field.metadata["help"].rstrip().endswith("."), field.name
        assert field.metadata["curve"].endswith("."), f"{task.name}: {field.name}"


# What it will take ------------------------------------------------------------------------


def measured(page: AppTest, **changes: Any) -> None:
    """Let the page ask, and give it an answer as the worker would."""
    settle(page)
    wish = preflights.wanted()
    assert wish is not None, "the page asks by itself"
    preflights.claim(wish.id, pid=1, process_started=0.0)
    preflights.finish(wish.id, dataclasses.replace(MEASURED, **changes).as_json())
    page.run()
    assert not page.exception


def settle(page: AppTest) -> None:
    """Let the choices look as if they had not changed for a while."""
    key, since = page.session_state["preflight_seen"]
    page.session_state["preflight_seen"] = (key, since - 60)
    page.run()
    assert not page.exception


def test_it_is_measured_once_the_choices_are_settled(open_page: OpenPage) -> None:
    page = open_page(PAGE)
    assert "Measuring a few steps" in words(page)
    assert preflights.wanted() is None, "not while things still change"
    measured(page)
    text = words(page)
    assert "Fits well" in text
    assert "about 25 seconds" in text  # 15 epochs
    assert "about 8 seconds" in text  # the quick preset's 4


def test_a_change_that_costs_nothing_is_known_at_once(open_page: OpenPage) -> None:
    page = open_page(PAGE)
    measured(page)
    number(page, "Epochs").set_value(150)
    page.run()
    assert "about 3½ minutes" in words(page)
    number(page, "Batch size").set_value(8)
    page.run()
    assert "Measuring a few steps" in words(page)


def test_a_slow_run_is_changed_by_one_click(open_page: OpenPage) -> None:
    page = open_page(PAGE)
    measured(page, step_seconds=30.0)
    assert "Mind this" in words(page)
    offer = next(button for button in page.button if button.key == "preflight_offer_0")
    assert "7 epochs" in offer.label
    press(page, "preflight_offer_0")
    assert number(page, "Epochs").value == 7
    assert not list_runs(), "nothing starts by itself"


def test_what_fails_is_red_with_its_sentence(open_page: OpenPage) -> None:
    page = open_page(PAGE)
    settle(page)
    wish = preflights.wanted()
    assert wish is not None
    preflights.claim(wish.id, pid=1, process_started=0.0)
    preflights.fail(wish.id, "It does not fit <b>.", Reason.OOM_HOST)
    page.run()
    text = words(page).replace("\\", "")
    assert "Will not work" in text
    assert "It does not fit <b>." in text
    press(page, "preflight_again")
    assert preflights.list_in_state(PreflightState.WAITING)
    assert "Measuring a few steps" in words(page)


def test_beside_a_training_it_says_so(open_page: OpenPage) -> None:
    from backend.jobs import slots
    from backend.runs import RunStatus

    slots.remember_devices(["cpu"])
    seed_run(RunStatus.RUNNING, name="Busy one", done=40)
    page = open_page(PAGE)
    settle(page)
    assert "Busy one is training now" in words(page).replace("\\", "")
    assert "Not measured" in words(page)


def test_measured_models_show_their_time(open_page: OpenPage) -> None:
    page = open_page(PAGE)
    measured(page)
    press(page, "change_model")
    assert "about 25 seconds here" in words(page)
