"""Words for numbers, times and names; and that a user's words never become markup."""

import re

import pytest

from backend.wording import about, device_words, duration, kilowatt_hours, spelt_out
from pages.components.wording import (
    ago,
    amount,
    escape,
    escape_lines,
    megabytes,
    parameters,
    percent,
    plural,
)


@pytest.mark.parametrize(
    "text",
    [
        "**bold** _it_ `code` ~~no~~",
        "[link](http://x.y) ![picture](http://x.y/z.png)",
        "<script>alert(1)</script> <img onerror=x>",
        "$x^2$ :red[x] :material/home: :smile:",
        "# title\n- list\n> quote\n| a | b |",
        "a -> b <- c -- d",
    ],
)
def test_escape_leaves_no_markup(text: str) -> None:
    escaped = escape(text, 500)
    assert not re.search(r"(?<!\\)[*_`~\[\]<>$#|!()]", escaped)
    assert "\n" not in escaped
    # A colon that begins a directive or an icon is split from its name.
    assert not re.search(r":(?=[a-z])", escaped)
    assert escaped.replace("\\", "").replace("\u2060", "") == " ".join(text.split())


def test_escape_keeps_other_scripts_and_cuts_long_names() -> None:
    assert escape("日本語 العربية 🙂") == "日本語 العربية 🙂"
    cut = escape("x" * 10_000, 90)
    assert len(cut) == 90
    assert cut.endswith("…")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "–"), (float("nan"), "–"), (0, "0 s"), (59.4, "59 s"), (80, "1 min 20 s"),
        (3599, "59 min"), (7500, "2 h 5 min"), (4 * 86400, "4 days"),
    ],
)  # fmt: skip
def test_duration(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(5, "just now"), (300, "5 min ago"), (7200, "2 h ago"), (100_000, "yesterday"),
     (500_000, "6 days ago"), (-50, "just now")],
)  # fmt: skip
def test_ago(seconds: float, words: str) -> None:
    assert ago(1000.0, 1000.0 + seconds) == words


def test_numbers() -> None:
    assert (percent(0.9345), parameters(11_200_000), parameters(950)) == ("93.5 %", "11.2 M", "950")
    assert (megabytes(0.5), megabytes(45), megabytes(2048)) == ("0.5 MB", "45 MB", "2.0 GB")
    assert (megabytes(0.004), megabytes(0)) == ("4 kB", "1 kB")
    assert (amount(True), amount(5000), amount(0.00123456)) == ("yes", "5,000", "0.001235")
    assert amount(float("nan")) == "not a number"
    assert (plural(1, "class", "classes"), plural(2_000, "run")) == ("1 class", "2,000 runs")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "less than a second"), (1.2, "1 second"), (59.4, "59 seconds"), (59.6, "1 minute"),
        (180, "3 minutes"), (3600, "1 hour"), (7501, "2 hours 5 minutes"),
    ],
)  # fmt: skip
def test_durations_within_sentences(seconds: float, words: str) -> None:
    assert spelt_out(seconds) == words


def test_devices_in_plain_words() -> None:
    assert [device_words(name) for name in (None, "cpu", "cuda:1", "mps")] == [
        "the processor", "the processor", "the graphics card (cuda:1)", "Apple graphics",
    ]  # fmt: skip


def test_a_text_keeps_its_lines_and_nothing_of_it_is_markup() -> None:
    assert escape_lines("a *b*\n\n  c") == "a \\*b\\*  \n\u00a0  \n\u00a0\u00a0c"
    assert escape_lines(" begins") == " begins"
    assert escape_lines("# no\n- list") == "\\# no  \n\\- list"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "about a second"), (3.4, "about 3 seconds"), (12, "about 10 seconds"),
        (43, "about 45 seconds"), (86, "about 85 seconds"), (95, "about 1½ minutes"),
        (120, "about 2 minutes"), (430, "about 7 minutes"), (19 * 60, "about 19 minutes"),
        (33 * 60, "about 35 minutes"), (5300, "about 1½ hours"), (7200, "about 2 hours"),
        (30 * 3600, "about 30 hours"), (100 * 3600, "about 4 days"),
    ],
)  # fmt: skip
def test_estimates_are_said_as_people_say_them(seconds: float, words: str) -> None:
    assert about(seconds) == words


@pytest.mark.parametrize(
    ("energy", "words"),
    [(0.0002, "less than 0.001 kWh"), (0.0213, "0.021 kWh"), (1.26, "1.3 kWh")],
)
def test_energy(energy: float, words: str) -> None:
    assert kilowatt_hours(energy) == words
