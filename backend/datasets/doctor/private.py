"""Finds and masks what tells who somebody is: e-mail addresses, phone, card and account numbers.

Numbers count only where their check digits are right or a country has such a phone number, so
that prices, dates and order numbers are left alone.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

Span = tuple[int, int]

_EMAIL = re.compile(
    r"(?<![\w.+-])[\w.+-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}(?![\w-])"
)
_PLACEHOLDER = re.compile(
    r"@(?:[\w-]+\.)*(?:example|test|invalid|localhost)(?:\.|$)", re.IGNORECASE
)
_CARD = re.compile(r"(?<![\w.,-])(?:\d[ -]?){12,18}\d(?![\w-]|[.,]\d)")
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{2,4}){2,8}(?![A-Za-z0-9])")
_PHONE = re.compile(r"(?<![\w.,/:-])(?:\+|00)?[(]?\d[\d ()./-]{5,18}\d(?![\w]|[.,:/-]\d)")
_IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AT": 20, "BE": 16, "BG": 22, "BR": 29, "CH": 21, "CY": 28, "CZ": 24,
    "DE": 22, "DK": 18, "EE": 20, "ES": 24, "FI": 18, "FR": 27, "GB": 22, "GR": 27, "HR": 21,
    "HU": 28, "IE": 22, "IL": 23, "IS": 26, "IT": 27, "LI": 21, "LT": 20, "LU": 20, "LV": 21,
    "MC": 27, "MT": 31, "NL": 18, "NO": 15, "PL": 28, "PT": 25, "RO": 24, "SA": 24, "SE": 24,
    "SI": 19, "SK": 24, "TR": 26, "UA": 29,
}  # fmt: skip
_CARD_STARTS = ("34", "37", "4", "51", "52", "53", "54", "55", "2221", "23", "24", "25", "26",
                "271", "2720", "6011", "62", "65", "35", "36", "38", "30")  # fmt: skip
REGIONS = {
    "en": ("US", "GB"), "de": ("DE", "AT", "CH"), "fr": ("FR", "CH"), "es": ("ES", "MX"),
    "it": ("IT",), "nl": ("NL", "BE"), "pt": ("PT", "BR"), "pl": ("PL",), "sv": ("SE",),
    "tr": ("TR",), "ru": ("RU",), "uk": ("UA",), "ja": ("JP",), "ko": ("KR",), "zh": ("CN",),
    "id": ("ID",), "cs": ("CZ",), "da": ("DK",), "fi": ("FI",), "no": ("NO",), "el": ("GR",),
}  # fmt: skip
"""Where numbers without a country code may be from, by the language of the texts."""
ANYWHERE = ("US", "GB", "DE")


@dataclass(frozen=True, slots=True)
class Secret:
    """One kind of it: its name, words for one and for many, what stands in its place, the finder.

    hint: what a text must hold for the finder to be asked, as a pattern on bytes.
    """

    name: str
    title: str
    many: str
    mask: str
    find: Callable[[str, tuple[str, ...]], Iterator[Span]]
    hint: re.Pattern[bytes]


def _emails(text: str, _: tuple[str, ...]) -> Iterator[Span]:
    for match in _EMAIL.finditer(text):
        if not _PLACEHOLDER.search(match[0]):
            yield match.span()


def _cards(text: str, _: tuple[str, ...]) -> Iterator[Span]:
    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        if digits.startswith(_CARD_STARTS) and 13 <= len(digits) <= 19 and luhn(digits):
            yield match.span()


def _ibans(text: str, _: tuple[str, ...]) -> Iterator[Span]:
    for match in _IBAN.finditer(text):
        wanted = _IBAN_LENGTHS.get(match[0][:2], 0)
        end = match.start()
        signs = ""
        while wanted and len(signs) < wanted and end < match.end():
            signs += text[end].strip()
            end += 1
        if wanted and len(signs) == wanted and iban_is_right(signs):
            yield match.start(), end


def _phones(text: str, regions: tuple[str, ...]) -> Iterator[Span]:
    for match in _PHONE.finditer(text):
        shown = match[0]
        digits = re.sub(r"\D", "", shown)
        if not 7 <= len(digits) <= 15 or _is_date(shown):
            continue
        if shown.startswith(("+", "00")):
            number = "+" + shown[2:] if shown.startswith("00") else shown
            if _is_phone(number, None):
                yield match.span()
        # Without a country only what is written like one: in groups, or with a zero in front.
        elif (shown[0] in "0(" or re.search(r"\d[ ()./-]+\d+[ ()./-]+\d", shown)) and any(
            _is_phone(shown, region) for region in regions
        ):
            yield match.span()


def luhn(digits: str) -> bool:
    """Whether the last digit checks the others (ISO/IEC 7812-1)."""
    if len(set(digits)) == 1:
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0


def iban_is_right(iban: str) -> bool:
    """Whether the check digits are right (ISO 13616, modulo 97)."""
    number = "".join(str(int(sign, 36)) for sign in iban[4:] + iban[:4])
    return int(number) % 97 == 1


def _is_date(shown: str) -> bool:
    parts = [part for part in re.split(r"[^\d]+", shown) if part]
    years = [part for part in parts if len(part) == 4 and 1500 <= int(part) <= 2200]
    return len(parts) == 3 and bool(years) and all(int(p) <= 31 for p in parts if len(p) <= 2)


@cache
def _library() -> Any:
    import phonenumbers

    return phonenumbers


def _is_phone(number: str, region: str | None) -> bool:
    """Whether a country has such a number, and it is written as its people write it."""
    library = _library()
    try:
        parsed = library.parse(number, region)
    except library.NumberParseException:
        return False
    if not library.is_valid_number(parsed):
        return False
    if region is None:
        return True
    matcher = library.PhoneNumberMatcher(number, region, library.Leniency.STRICT_GROUPING)
    return any(True for _ in matcher)


SECRETS: tuple[Secret, ...] = (
    Secret("email", "an e-mail address", "e-mail addresses", "[e-mail]", _emails,
           re.compile(rb"@")),
    Secret(
        "iban", "a bank account number", "bank account numbers", "[account]", _ibans,
        re.compile(rb"[A-Z]{2}\d\d ?[A-Z0-9]{2}"),
    ),
    Secret(
        "card", "a card number", "card numbers", "[card]", _cards, re.compile(rb"(?:\d[ -]?){13}")
    ),
    Secret(
        "phone", "a phone number", "phone numbers", "[phone]", _phones,
        re.compile(rb"\d(?:[ ()./-]{0,3}\d){6}"),
    ),
)  # fmt: skip
"""In the order in which they are masked: what is a card is no phone."""


def find_secrets(text: str, name: str, regions: tuple[str, ...]) -> list[Span]:
    """Where a text holds a kind of secret; what an earlier kind has taken does not count."""
    taken: list[Span] = []
    for secret in SECRETS:
        spans = [
            span
            for span in secret.find(text, regions)
            if all(span[1] <= low or high <= span[0] for low, high in taken)
        ]
        if secret.name == name:
            return spans
        taken += spans
    return []


def mask(text: str, names: tuple[str, ...], regions: tuple[str, ...]) -> str:
    """The text with [e-mail], [phone] and the like in place of its secrets."""
    found = []
    for secret in SECRETS:
        if secret.name in names:
            found += [(*span, secret.mask) for span in find_secrets(text, secret.name, regions)]
    for low, high, words in sorted(found, reverse=True):
        text = text[:low] + words + text[high:]
    return text
