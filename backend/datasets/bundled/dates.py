"""Writes dates, times and amounts as twelve languages do, for the bundled `dates`.

The words, orders and signs are those of Unicode's CLDR, as the package babel carries them; which
date, amount and form comes next is drawn by the program, always the same ones.
"""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from backend.datasets.bundled import record
from backend.datasets.bundled.record import Bundled
from backend.datasets.writer import StoreWriter

if TYPE_CHECKING:
    from babel import Locale

LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "pl", "sv", "tr", "ru", "el")
COUNT = 8000
SEED = 2026
FIRST_DAY, DAYS = datetime(1900, 1, 1), 200 * 365
DATE_FORMS = ("full", "long", "yMMMd", "yMMMEd", "yMMMM")
"""CLDR's names: Wednesday, March 4, 2026; March 4, 2026; Mar 4, 2026; Wed, Mar 4, 2026; ..."""
UNITS = {
    "length-kilometer": "km", "length-meter": "m", "length-centimeter": "cm",
    "mass-kilogram": "kg", "mass-gram": "g", "volume-liter": "l", "temperature-celsius": "°C",
    "duration-minute": "min", "duration-hour": "h", "area-square-meter": "m²",
}  # fmt: skip
CURRENCIES = ("EUR", "USD", "GBP", "JPY", "CHF", "SEK", "PLN", "TRY")


def write_dates() -> Iterator[tuple[str, str]]:
    """Pairs of what is written and its standard form; none is written twice."""
    from babel import Locale

    drawn = random.Random(SEED)
    languages = [Locale(name) for name in LANGUAGES]
    seen: set[str] = set()
    while len(seen) < COUNT:
        kind = drawn.choices((_date, _moment, _measure, _money), (5, 2, 1.5, 1.5))[0]
        written, standard = kind(drawn, languages[len(seen) % len(languages)])
        written = _carelessly(drawn, written)
        if written not in seen:
            seen.add(written)
            yield written, standard


def _carelessly(drawn: random.Random, written: str) -> str:
    """As people type it: now and then in small or in capital letters only."""
    chance = drawn.random()
    return written.lower() if chance < 0.15 else written.upper() if chance < 0.2 else written


def _day(drawn: random.Random) -> datetime:
    return FIRST_DAY + timedelta(days=drawn.randrange(DAYS), minutes=drawn.randrange(24 * 60))


def _date(drawn: random.Random, language: "Locale") -> tuple[str, str]:
    from babel.dates import format_date, format_skeleton

    day, form = _day(drawn), drawn.choice(DATE_FORMS)
    if form in ("full", "long"):
        return format_date(day, form, language), f"{day:%Y-%m-%d}"
    return format_skeleton(form, day, locale=language), (
        f"{day:%Y-%m}" if form == "yMMMM" else f"{day:%Y-%m-%d}"
    )


def _moment(drawn: random.Random, language: "Locale") -> tuple[str, str]:
    from babel.dates import format_date, format_time, get_datetime_format

    day, form = _day(drawn), drawn.choice(("full", "long"))
    # Unlike format_datetime's "long", this leaves seconds and the time zone out.
    pattern = str(get_datetime_format("medium", locale=language)).replace("'", "")
    clock = format_time(day, "short", locale=language)
    written = pattern.replace("{1}", format_date(day, form, language)).replace("{0}", clock)
    return written, f"{day:%Y-%m-%d %H:%M}"


def _number(drawn: random.Random) -> tuple[float, str]:
    """A number of any length below a million, with up to two decimals, and its standard form."""
    decimals = drawn.choice((0, 0, 1, 2))
    number = round(10 ** drawn.uniform(0, 6), decimals)
    return number, f"{number:.{decimals}f}"


def _measure(drawn: random.Random, language: "Locale") -> tuple[str, str]:
    from babel.units import format_unit

    unit = drawn.choice(list(UNITS))
    number, standard = _number(drawn)
    form = "#,##0" + ("." + "0" * len(standard.partition(".")[2])).rstrip(".")
    written = format_unit(number, unit, "long", format=form, locale=language)
    return written, f"{standard} {UNITS[unit]}"


def _money(drawn: random.Random, language: "Locale") -> tuple[str, str]:
    from babel.numbers import format_currency

    currency = drawn.choice(CURRENCIES)
    number, standard = _number(drawn)
    form = "#,##0" + ("." + "0" * len(standard.partition(".")[2])).rstrip(".")
    written = format_currency(
        number, currency, form + " ¤¤¤", locale=language, currency_digits=False
    )
    return written, f"{standard} {currency}"


def _fill_dates(writer: StoreWriter, folder: Path) -> None:
    for written, standard in write_dates():
        writer.add_pair(written, standard)


SETS = (
    Bundled(
        name="dates",
        title="Dates and amounts, written out",
        description="8,000 dates, times and amounts as twelve languages write them, each with its "
        "standard form: 4 de marzo de 2026 is 2026-03-04, 1.234,5 Kilometer is 1234.5 km.",
        format="text-pair",
        task="translation",
        source="Unicode CLDR, as the package babel carries it",
        licence="Unicode-3.0 (the words), BSD-3-Clause (babel)",
        needs="the package babel (pip install babel==2.18.0)",
        source_note="Which date or amount is written is drawn by the program, always the same "
        "ones. English, German, French, Spanish, Italian, Portuguese, Dutch, Polish, Swedish, "
        "Turkish, Russian and Greek.",
        find=lambda: record.package_file("babel", "locale-data"),
        fill=_fill_dates,
    ),
)
