"""What a visitor does on a page before its picture is taken; called by screenshots.py."""

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.e2e.app_server import wait_for
from tests.e2e.test_journey import SENTENCES, clear_digit
from tests.e2e.visitor import Visitor

Scene = Callable[[Visitor], None]

OPINIONS = [
    (3, "Der Kaffee war kühl, die Bedienung freundlich", "mixed"),
    (4, "Best cake in town, we shall come again", "good"),
    (5, "We waited for an hour and nobody came", "bad"),
    (7, "A crème brûlée as in Paris", "good"),
    (9, "Too loud, too dear, too little", "bad"),
]


def at(path: str, title: str) -> Scene:
    """A page that only has to be opened."""

    def scene(visitor: Visitor) -> None:
        visitor.open(path)
        visitor.title(title)

    return scene


def run_page(number: int) -> Scene:
    def scene(visitor: Visitor) -> None:
        visitor.open(f"/run?run={number}")
        wait_for("the curves", lambda: visitor.points() > 2)

    return scene


def comparison(number: int) -> Scene:
    """The run beside the others on the same data."""

    def scene(visitor: Visitor) -> None:
        from backend.comparing import rivals
        from backend.runs import get_run

        others = rivals(get_run(number))
        numbers = [number, *(run.id for run in others)]
        visitor.open(f"/compare?runs={','.join(map(str, numbers))}")
        expect(visitor.page.get_by_text("Where they come from")).to_be_visible()

    return scene


def lesson(number: int) -> Scene:
    def scene(visitor: Visitor) -> None:
        visitor.open(f"/learn?run={number}")
        expect(visitor.page.get_by_text("5 · A small correction")).to_be_visible()

    return scene


def failed_page(number: int) -> Scene:
    def scene(visitor: Visitor) -> None:
        visitor.open(f"/run?run={number}")
        visitor.status("Failed")

    return scene


def picture_answer(number: int) -> Scene:
    def scene(visitor: Visitor) -> None:
        visitor.open(f"/playground?run={number}")
        visitor.page.locator('input[type="file"]').first.set_input_files(
            {"name": "my three.jpg", "mimeType": "image/jpeg", "buffer": clear_digit(3)}
        )
        answered(visitor)

    return scene


def text_answer(number: int) -> Scene:
    def scene(visitor: Visitor) -> None:
        visitor.open(f"/playground?run={number}")
        # Headless browsers often lack fonts for Thai or Chinese: other examples, then.
        examples = visitor.page.locator('[class*="st-key-play_0_"]')
        turn = 0
        expect(examples.first).to_be_visible()
        while not all(is_drawable(words) for words in examples.all_inner_texts()) and turn < 20:
            turn += 1
            visitor.press("Others")
            examples = visitor.page.locator(f'[class*="st-key-play_{turn}_"]')
            expect(examples.first).to_be_visible()
        visitor.page.get_by_label("Your text").fill(SENTENCES["german"])
        visitor.press("Ask")
        answered(visitor)

    return scene


def typed_answer(words: str) -> Callable[[int], Scene]:
    """The answer to a text of one's own."""

    def about(number: int) -> Scene:
        def scene(visitor: Visitor) -> None:
            visitor.open(f"/playground?run={number}")
            visitor.page.get_by_label("Your text").fill(words)
            visitor.press("Ask")
            answered(visitor)

        return scene

    return about


def boxes_answer(number: int) -> Scene:
    def scene(visitor: Visitor) -> None:
        visitor.open(f"/playground?run={number}")
        visitor.page.get_by_role("button", name="Try", exact=True).nth(1).click()
        answered(visitor)

    return scene


def clicked_answer(number: int) -> Scene:
    """The answer to the first example of the test part."""

    def scene(visitor: Visitor) -> None:
        visitor.open(f"/playground?run={number}")
        visitor.title("Playground")
        visitor.page.locator('[class*="st-key-play_0_0"] button').first.click()
        answered(visitor)

    return scene


def is_drawable(words: str) -> bool:
    """Latin, Greek or Cyrillic: what every system has fonts for."""
    return all(ord(sign) < 0x530 or 0x2000 <= ord(sign) < 0x2070 for sign in words)


def answered(visitor: Visitor) -> None:
    answer = visitor.page.locator('[class*="st-key-card_answer"]')
    expect(answer.get_by_text("model of step")).to_be_visible()
    visitor.settled()


def measured_form(visitor: Visitor) -> None:
    """The form of a new run, its steps folded, with what the run will take."""
    visitor.open("/new")
    for title in ("Image classification", "MNIST digits", "Small CNN"):
        visitor.choose(title)
    cards = visitor.page.locator('[class*="choice_new_preset"]')
    expect(cards.get_by_text(re.compile("about"))).to_have_count(3, timeout=180_000)


def data_page(name: str) -> Scene:
    """A data set's page, once the data doctor has looked at it."""

    def scene(visitor: Visitor) -> None:
        visitor.open(f"/dataset?data={name}")
        badge = visitor.page.locator(".st-key-card_doctor .stMarkdownBadge").first
        expect(badge).to_be_visible(timeout=120_000)

    return scene


def table_understood(visitor: Visitor) -> None:
    """A table that was given, and what was understood of it."""
    rows = [f"{number}.03.2026;{words};{mood}" for number, words, mood in OPINIONS * 12]
    visitor.open("/add-data?what=text-class")
    visitor.page.locator('input[type="file"]').first.set_input_files(
        {
            "name": "opinions.csv",
            "mimeType": "text/csv",
            "buffer": "\n".join(["day;comment;verdict", *rows]).encode("cp1252"),
        }
    )
    visitor.sees("Is this right?")
    expect(visitor.page.get_by_text("separated by semicolons").first).to_be_visible(timeout=60_000)


def explained(answer: Callable[[int], Scene]) -> Callable[[int], Scene]:
    """An answer of the playground, and why it is that one."""

    def about(number: int) -> Scene:
        def scene(visitor: Visitor) -> None:
            answer(number)(visitor)
            visitor.press("Why this answer?")
            visitor.page.mouse.move(0, 0)  # away with the button's tooltip
            for words in ("Why this answer", "What it reminds the model of"):
                heading = visitor.page.get_by_role("heading", name=words)
                expect(heading).to_be_visible(timeout=60_000)
            visitor.settled()

        return scene

    return about


def mistakes(number: int) -> Scene:
    def scene(visitor: Visitor) -> None:
        visitor.open(f"/mistakes?run={number}")
        visitor.sees("What it takes for what")

    return scene


def learned_labels(number: int) -> Scene:
    def scene(visitor: Visitor) -> None:
        mistakes(number)(visitor)
        visitor.page.get_by_text("Labels it learned from", exact=True).click()
        visitor.sees("Examples that the model learned from")
        visitor.settled()
        check = visitor.page.get_by_role("button", name="Check these labels")
        if check.count():  # only the first visitor has to ask
            check.click()
        expect(check).to_have_count(0, timeout=120_000)
        expect(visitor.page.get_by_role("button", name="Tick all")).to_be_visible()
        visitor.settled()

    return scene
