"""E-mail addresses, phone numbers, cards and accounts in texts: whose data are these?"""

from collections.abc import Iterable

import numpy as np

from backend.datasets.doctor.checks.language import tell_languages
from backend.datasets.doctor.checks.text_sizes import sides
from backend.datasets.doctor.finding import Cure, Finding, counted
from backend.datasets.doctor.private import ANYWHERE, REGIONS, SECRETS, Secret, find_secrets
from backend.datasets.doctor.registry import check
from backend.datasets.doctor.subject import Subject
from backend.datasets.doctor.texts import Texts

MOST_READ = 50_000
"""Texts with something like it; beyond so many a sample is read."""
LANGUAGE_SAMPLE = 200


@check("privacy", "Looking for addresses and numbers of people", items=("text",), first=6)
def privacy(subject: Subject) -> Iterable[Finding]:
    regions = regions_of(subject)
    for secret in SECRETS:
        found = np.zeros(len(subject), bool)
        complete = True
        for texts, _ in sides(subject):
            places, all_read = _look(subject, texts, secret, regions)
            found[places] = True
            complete &= all_read
        count = int(found.sum())
        if not count:
            continue
        least = "" if complete else "At least "
        indices = subject.present[found]
        yield Finding(
            f"private-{secret.name}",
            "warning",
            f"{least}{counted(count, subject.unit)} hold{'s' if count == 1 else ''} what looks "
            f"like {secret.title if count == 1 else secret.many}. Whoever gets the data sees them, "
            "and a model that writes texts may repeat them.",
            count,
            flagged=indices,
            cure=Cure(
                "mask",
                "Mask them",
                f"{secret.mask} stands in their place in a new version. Earlier versions keep them "
                "until you erase them for good.",
                indices=indices,
                values={"secrets": [secret.name], "regions": list(regions)},
            ),
        )


def regions_of(subject: Subject) -> tuple[str, ...]:
    """The countries whose phone numbers may be written without their code."""
    places = subject.sample(LANGUAGE_SAMPLE)
    codes = tell_languages(subject, subject.texts, places)
    told = codes[codes != ""]
    if not len(told):
        return ANYWHERE
    names, counts = np.unique(told.astype(str), return_counts=True)
    usual = names[counts >= 0.2 * len(told)]
    regions = dict.fromkeys(region for name in usual for region in REGIONS.get(str(name), ()))
    return tuple(regions) or ANYWHERE


def _look(
    subject: Subject, texts: Texts, secret: Secret, regions: tuple[str, ...]
) -> tuple[list[int], bool]:
    """Places of the texts that hold such a secret, and whether all of them were read."""
    positions = np.array([match.start() for match in secret.hint.finditer(texts.blob)], np.int64)
    places = np.unique(texts.place_of(positions))
    complete = len(places) <= MOST_READ
    if not complete:
        places = np.sort(np.random.default_rng(0).permutation(places)[:MOST_READ])
    found = []
    for number, place in enumerate(places.tolist()):
        if number % 1000 == 0:
            subject.tick(number / len(places))
        if find_secrets(texts.text(place), secret.name, regions):
            found.append(place)
    return found, complete
