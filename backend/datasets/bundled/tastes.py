"""Ratings made by the code from known tastes, for the bundled `films`: nobody's data, no privacy.

Every film has a genre (its name says which), a mood that no name tells, a fame and a quality;
every viewer has a few favourite genres, a mood, and a habit of giving many or few stars. Who sees
what depends on fame and taste, the stars on taste, mood, quality and chance. So the most famous
films are a fair guess, and a model that finds the tastes does clearly better.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backend.datasets.bundled.record import Bundled
from backend.datasets.writer import StoreWriter

SEED = 2025
VIEWERS, FILMS_PER_GENRE = 600, 30
SEEN = (25, 75)
"""Fewest and most films that a viewer has seen."""
MOODS = 3
# How much fame and taste decide what is seen, and taste, mood and chance how it is liked.
FAME, DRAW, TASTE, MOOD, CHANCE = 0.9, 1.5, 1.1, 1.0, 0.9

FIRST = {
    "adventure": "Lost Golden Hidden Distant Northern Burning Forgotten Sunken Wild Endless",
    "animation": "Little Flying Curious Singing Tiny Clever Upside-Down Rainbow Sleepy Magic",
    "comedy": "Wrong Double Awkward Lucky Second-Hand Perfect Runaway Noisy Backwards Surprise",
    "crime": "Cold Silent Crooked Perfect Midnight Broken Borrowed Nameless Seventh Grey",
    "documentary": "Inside Beyond Behind Beneath Around Across Saving Mapping Counting Hearing",
    "drama": "Quiet Autumn Fading Unsent Long Paper Empty Last Distant Patient",
    "fantasy": "Crystal Elven Cursed Shining Hollow Dragon Frozen Silver Thorn Moonlit",
    "horror": "Whispering Rotting Crawling Locked Pale Bleeding Buried Hungry Drowned Faceless",
    "romance": "Summer Velvet Tender Secret Paris Rainy Stolen Hopeless Wedding Moonlight",
    "science fiction": "Orbital Quantum Binary Martian Stellar Synthetic Parallel Zero Cryo Solar",
}
SECOND = {
    "adventure": "Compass River Island Caravan Summit",
    "animation": "Rabbit Teapot Kite Robot Penguin",
    "comedy": "Roommates Inheritance Holiday Cousins Landlord",
    "crime": "Witness Harbour Alibi Informer Vault",
    "documentary": "Glaciers Bees Orchestras Deep-Sea Markets",
    "drama": "Letters Brothers Kitchen Winters Daughters",
    "fantasy": "Crown Gate Sword Oath Tower",
    "horror": "Cellar Dolls Cabin Choir Well",
    "romance": "Promise Dances Garden Train Serenade",
    "science fiction": "Colony Signal Memory Drift Station",
}


def _names(rng: np.random.Generator) -> list[tuple[str, str]]:
    """Name and genre of every film, each name once."""
    found = []
    for genre, first in FIRST.items():
        pairs = [f"{one} {other}" for one in first.split() for other in SECOND[genre].split()]
        chosen = rng.permutation(len(pairs))[:FILMS_PER_GENRE]
        found += [(f"{pairs[number]} ({genre})", genre) for number in chosen.tolist()]
    return found


def make_ratings() -> Iterator[tuple[str, str, int]]:
    """Viewer, film and one to five stars, in the order of seeing; the same on each call."""
    rng = np.random.default_rng(SEED)
    films = _names(rng)
    genres = list(FIRST)
    genre = np.array([genres.index(name) for _, name in films])
    fame = rng.normal(size=len(films))
    quality = 0.5 * rng.normal(size=len(films)) + 0.2 * fame
    film_moods = rng.normal(size=(len(films), MOODS)) / np.sqrt(MOODS)
    for viewer in range(VIEWERS):
        tastes = _tastes(rng, len(genres))[genre]
        mood = film_moods @ rng.normal(size=MOODS)
        drawn = FAME * fame + DRAW * tastes + MOOD * mood + rng.gumbel(size=len(films))
        seen = np.argsort(-drawn)[: rng.integers(*SEEN)]
        liking = quality + TASTE * tastes + MOOD * mood + CHANCE * rng.normal(size=len(films))
        stars = (3 + 0.4 * rng.normal() + liking).round().clip(1, 5).astype(int)
        for film in rng.permutation(seen).tolist():
            yield f"viewer {viewer + 1:03}", films[film][0], int(stars[film])


def _tastes(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """How much a viewer likes each genre: two or three of them, the others hardly."""
    tastes = rng.normal(-0.6, 0.4, count)
    tastes[rng.permutation(count)[: rng.integers(2, 4)]] += 1.8
    return tastes


def _fill(writer: StoreWriter, path: Path) -> None:
    for viewer, film, stars in make_ratings():
        writer.add_rating(viewer, film, stars)


SETS = (
    Bundled(
        name="films",
        title="Films and stars",
        description="600 invented viewers give one to five stars to 300 invented films of ten "
        "genres.",
        format="rating",
        task="recommendation",
        source="Made by Trainroom",
        licence="MIT",
        needs="nothing",
        source_note="No real people and no real films: tastes, moods and fame are drawn by the "
        "program, always the same ones.",
        find=lambda: Path(__file__),
        fill=_fill,
    ),
)
