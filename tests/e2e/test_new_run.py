"""The form of a new run in a real browser: it measures by itself, stands still, takes keys."""

import re
from contextlib import suppress

import pytest
from playwright.sync_api import Locator, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from tests.e2e.app_server import wait_for
from tests.e2e.visitor import Visitor

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(300)]


def start_button_at(visitor: Visitor) -> float:
    box = visitor.page.get_by_role("button", name="Start training").bounding_box()
    assert box is not None
    return box["y"]


def press_corner(card: Locator) -> bool:
    """Press a card at its lower right; False where it has shrunk meanwhile, as when fonts come.

    Nothing else is pressed then: Playwright looks what lies under the pointer first.
    """
    box = card.bounding_box()
    assert box is not None
    with suppress(PlaywrightTimeoutError):
        card.click(position={"x": box["width"] - 8, "y": box["height"] - 8}, timeout=2_000)
        return True
    return False


def test_it_measures_by_itself_and_nothing_jumps(visitor: Visitor) -> None:
    visitor.open("/new")
    visitor.choose("Image classification")
    visitor.choose("MNIST digits")
    visitor.choose("MLP")
    panel = visitor.page.locator(".st-key-card_preflight")
    # Exactly one: the panel of the script run before may stand there until this one ends.
    expect(panel.get_by_text("Measuring a few steps")).to_have_count(1)
    before = start_button_at(visitor)
    expect(panel.get_by_text(re.compile(r"^about .*(second|minute)"))).to_be_visible(
        timeout=120_000
    )
    visitor.settled()
    assert abs(start_button_at(visitor) - before) <= 2
    # The presets are measured after it, and say their time as well.
    cards = visitor.page.locator('[class*="choice_new_preset"]')
    expect(cards.get_by_text(re.compile("about"))).to_have_count(3, timeout=120_000)
    assert abs(start_button_at(visitor) - before) <= 2


def test_cards_are_reached_and_chosen_by_keys(visitor: Visitor) -> None:
    visitor.open("/new")
    card = visitor.page.get_by_role("button", name="Text classification", exact=True)
    expect(card).to_be_visible()
    visitor.settled()
    for _ in range(40):
        visitor.page.keyboard.press("Tab")
        if card.evaluate("element => element === document.activeElement"):
            break
    else:
        pytest.fail("the card cannot be reached with the Tab key")
    visitor.page.keyboard.press("Enter")
    folded = visitor.page.locator('[class*="st-key-card_folded_task"]')
    expect(folded.get_by_text("Text classification")).to_be_visible()
    chosen = visitor.page.get_by_role("button", name=re.compile("chosen$"))
    expect(chosen.first).to_be_visible()


def test_a_card_is_pressed_wherever_it_is(visitor: Visitor) -> None:
    visitor.open("/new")
    card = visitor.page.locator('[class*="card_choice_new_task_text_classification"]')
    # Streamlit fetches the code of its buttons when it draws the first one; until that has come,
    # half a second after the card's text, there is nothing to be pressed.
    expect(card.get_by_role("button")).to_be_visible()
    visitor.settled()
    wait_for("the card to stand still", lambda: press_corner(card))
    folded = visitor.page.locator('[class*="st-key-card_folded_task"]')
    expect(folded.get_by_text("Text classification")).to_be_visible()
