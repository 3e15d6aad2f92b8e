"""Composes short news reports with their headlines, for the bundled `reports`.

No wheel carries a small free set of summaries. These are drawn from sentence patterns, and made so
that the answer has to be found and put in other words: the first sentence only sets the scene, what
matters is spread over the text between older news with other names and numbers, and the headline
says bakery where the report says bread and rolls. Names are made up of syllables, so most of those
in the test part were never seen before: they have to be copied.
"""

# ruff: noqa: SIM905 - lists of words are easier to read as one line of words

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from backend.datasets.bundled.record import Bundled
from backend.datasets.writer import StoreWriter

COUNT = 4000
SEED = 2026

TOWN_PARTS = (
    "Ald Bar Cor Dun El Fal Gren Hal Ing Kel Lan Mar Nor Ock Pen Ros Sel Tor Ul Wes".split(),
    ("", "er", "ing", "a", "en", "ow"),
    "bury ford stead wick mouth ley ham field by port".split(),
)
FIRST_NAMES = (
    "Ada Ben Carla David Emma Felix Greta Henry Ida Jonas Klara Leo Mona Nils Olga Paul Rosa Simon "
    "Tilda Victor Anna Boris Celia Dario Edith Frank Gina Hugo Irma Jasper"
).split()
LAST_PARTS = (
    "Bel Cas Dor Eck Fen Gar Hol Jor Kam Lind Mor Nev Ost Pal Ren San Tal Ver Win Zel".split(),
    "ander bach berg dale el en er feld ing ini low man ner ov sen sky son stone ton wood".split(),
)
TEAMS = "Rovers United City Athletic Wanderers Albion".split()
WORKS = "Glass Motors Foods Paper Tools Textiles".split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = (
    "January February March April May June July August September October November December"
).split()
NUMBERS = "no one two three four five six seven eight nine".split()
SHOPS = {
    "bread and rolls": "bakery", "novels and maps": "bookshop", "roses and tulips": "flower shop",
    "bicycles and tyres": "bicycle shop", "boots and sandals": "shoe shop",
    "coffee and cake": "café", "puzzles and dolls": "toy shop", "hammers and nails": "tool shop",
}  # fmt: skip
CLUBS = ("chess club", "rowing club", "choir", "fire brigade", "gardeners", "historical society")
BUILDINGS = ("town hall", "old mill", "library", "station", "theatre", "swimming pool")
BANDS = ("Night Ferry", "Paper Moons", "Tin Orchard", "Red Lanterns", "Slow Comets", "Glass Birds")
PRIZES = ("Silver Pen", "Golden Chisel", "Blue Lyre", "Iron Rose", "Green Lantern", "White Compass")


class Names:
    """Draws names, days and numbers for one report; no name comes twice."""

    def __init__(self, drawn: random.Random) -> None:
        self.drawn, self.used = drawn, set[str]()

    def _new(self, make: Callable[[], str]) -> str:
        while (name := make()) in self.used:
            pass
        self.used.add(name)
        return name

    def one_of(self, names: list[str] | tuple[str, ...]) -> str:
        return self._new(lambda: self.drawn.choice(names))

    def town(self) -> str:
        return self._new(lambda: "".join(self.drawn.choice(part) for part in TOWN_PARTS))

    def last(self) -> str:
        return self._new(lambda: "".join(self.drawn.choice(part) for part in LAST_PARTS))

    def person(self) -> str:
        return f"{self.one_of(FIRST_NAMES)} {self.last()}"

    def number(self, low: int, high: int) -> int:
        """A number that stands only once in the report."""
        return int(self._new(lambda: str(self.drawn.randint(low, high))))


@dataclass(frozen=True)
class Report:
    """What a report is made of: facts tell what matters, asides are what only seems to."""

    leads: tuple[str, ...]
    facts: tuple[tuple[str, ...], ...]
    asides: tuple[str, ...]
    headline: str


def _match(names: Names) -> Report:
    town, day = names.town(), names.one_of(DAYS)
    sides = [f"{names.town()} {names.one_of(TEAMS)}" for _ in range(2)]
    first, second = names.drawn.randint(0, 6), names.drawn.randint(0, 6)
    goals = [f"{NUMBERS[n]} goal{'' if n == 1 else 's'}" for n in (first, second)]
    high, low = sorted((first, second), reverse=True)
    better, worse = sides if first >= second else sides[::-1]
    headline = (
        f"{sides[0]} and {sides[1]} draw {first}-{second}"
        if first == second
        else f"{better} beat {worse} {high}-{low}"
    )
    return Report(
        (
            f"It rained all {day} over the ground in {town}.",
            f"{names.number(1000, 9000)} people came to the ground in {town} on {day}.",
            f"The season is drawing to its close, and nobody in {town} wanted to miss this.",
        ),
        (
            (
                f"{sides[0]} had invited {sides[1]}.",
                f"On the pitch stood {sides[0]} in red and {sides[1]} in white.",
                f"{sides[0]} were the hosts, {sides[1]} the guests.",
            ),
            (
                f"When the whistle blew, {sides[0]} had scored {goals[0]} and {sides[1]} "
                f"{goals[1]}.",
                f"{sides[1]} managed {goals[1]}, {sides[0]} {goals[0]}.",
                f"The count was {goals[0]} for {sides[0]} and {goals[1]} for {sides[1]}.",
            ),
        ),
        (
            f"A year ago {sides[1]} had won there against {names.town()} {names.one_of(TEAMS)}.",
            f"{names.person()}, who trains {sides[0]}, spoke of a long season.",
            f"Next week {sides[0]} travel to {names.town()}.",
            f"{names.person()} of {sides[1]} could not play because of a knee.",
        ),
        headline,
    )


def _shop(names: Names) -> Report:
    town, owner, goods = names.town(), names.person(), names.one_of(list(SHOPS))
    return Report(
        (
            f"For years a house in the centre of {town} had stood empty.",
            f"Whoever walks through {town} sees many empty windows.",
            f"{names.person()}, the mayor of {town}, likes to speak of new life in the centre.",
        ),
        (
            (
                f"Since {names.one_of(DAYS)} {owner} has been selling {goods} in the main street.",
                f"{owner} has filled the shelves there with {goods}.",
                f"Now there are {goods} again, for {owner} has rented the place.",
            ),
        ),
        (
            f"Until {names.number(1980, 2015)} {names.person()} had sold "
            f"{names.one_of(list(SHOPS))} there.",
            f"The rent is said to be {names.number(300, 900)} a month.",
            f"{names.person()} had wanted to sell {names.one_of(list(SHOPS))} but found no money.",
            f"There may soon be another one in {names.town()}.",
        ),
        f"{owner} opens {SHOPS[goods]} in {town}",
    )


def _vote(names: Names) -> Report:
    town, club = names.town(), names.one_of(CLUBS)
    first, second = names.person(), names.person()
    votes = names.number(20, 99), names.number(20, 99)
    winner = first if votes[0] > votes[1] else second
    return Report(
        (
            f"The hall in {town} was full to the last chair.",
            f"{names.person()} looked tired on {names.one_of(DAYS)} evening in {town}.",
            f"After {names.number(3, 19)} years it was time for somebody new in {town}.",
        ),
        (
            (
                f"The {club} had to say who should lead them from now on.",
                f"Who shall lead the {club}? That was the question.",
                f"There were two who wanted to lead the {club}.",
            ),
            (
                f"{votes[0]} hands went up for {first}, {votes[1]} for {second}.",
                f"{first} got {votes[0]} votes, {second} got {votes[1]}.",
                f"Of those who voted, {votes[0]} wanted {first} and {votes[1]} {second}.",
            ),
        ),
        (
            f"{names.person()} wants to spend more time with the grandchildren.",
            f"In {names.number(1990, 2020)} {names.person()} had won by one vote.",
            f"{names.person()} counted the votes twice.",
            f"Afterwards there was soup from {names.town()}.",
        ),
        f"{winner} to lead the {club} of {town}",
    )


def _damage(names: Names) -> Report:
    town, building, homes = names.town(), names.one_of(BUILDINGS), names.number(20, 900)
    cause, signs, effect, headline = names.drawn.choice(
        (
            ("wind", "The wind tore down trees and lines.", f"{homes} homes had no light.",
             f"Storm leaves {homes} homes in {town} in the dark"),
            ("water", "The river rose by two metres.", f"{homes} people had to leave their homes.",
             f"Flood drives {homes} people in {town} from their homes"),
            ("sparks", "Flames came out of the roof.", f"Nothing is left of the {building}.",
             f"Fire destroys the {building} in {town}"),
            ("snow", "The snow lay a metre deep.", f"{homes} pupils had to stay at home.",
             f"Snow keeps {homes} pupils in {town} from school"),
        )
    )  # fmt: skip
    return Report(
        (
            f"Nobody in {town} slept much on {names.one_of(DAYS)} night.",
            f"It was a night that {town} will not forget.",
            f"The telephone of the mayor of {town} did not stop ringing.",
        ),
        (
            (signs, f"Everybody spoke of the {cause}. {signs}"),
            (effect, f"{effect} Nobody was hurt."),
        ),
        (
            f"{names.person()} had been on the way home from {names.town()}.",
            f"In {names.number(1950, 2010)} it had been worse in {names.town()}, with "
            f"{names.number(901, 2000)} homes.",
            f"{names.person()} of the fire brigade thanked the {names.number(10, 19)} helpers.",
            f"The {names.one_of(BUILDINGS)} was not in danger.",
        ),
        headline,
    )


def _bridge(names: Names) -> Report:
    town, month, name = names.town(), names.one_of(MONTHS), names.last()
    what = names.drawn.choice(("bridge", "tunnel", "ferry", "road"))
    flaw = {
        "bridge": "Cracks were found in the arches of the {0} bridge.",
        "tunnel": "Water drips from the roof of the {0} tunnel.",
        "ferry": "The engine of the {0} ferry has broken down.",
        "road": "Stones have fallen onto the {0} road.",
    }[what].format(name)
    return Report(
        (
            f"Drivers in {town} will need patience.",
            f"On {names.one_of(DAYS)} the cars stood in long rows in {town}.",
            f"{names.person()} takes an hour longer to work in {town}.",
        ),
        (
            (flaw,),
            (
                f"Nobody will be let through before {month}.",
                f"The repairs will last until {month}.",
                f"It will take until {month} until everything is safe again.",
            ),
        ),
        (
            f"It was built in {names.number(1880, 1990)} by {names.person()}.",
            f"The way round through {names.town()} is {names.number(4, 40)} kilometres long.",
            f"In {names.one_of(MONTHS)} there had been a check, and nothing was found.",
            f"{names.person()} speaks of {names.number(2, 9)} million in costs.",
        ),
        f"{name} {what} in {town} closed until {month}",
    )


def _concert(names: Names) -> Report:
    town, band, month = names.town(), names.one_of(BANDS), names.one_of(MONTHS)
    is_off = names.drawn.random() < 0.5
    later = (
        f"Whoever has a ticket may come in {month}.",
        f"They will play in {month} instead.",
        f"In {month} all of it will be made up for.",
    )
    never = (
        "There will be no other evening, and the tickets will be paid back.",
        "Everybody gets the money back, since no other day was found.",
        "They will not come another time either.",
    )
    return Report(
        (
            f"The chairs had been put up in {town} already.",
            f"{names.number(200, 900)} people in {town} had been looking forward to it.",
            f"On {names.one_of(DAYS)} the doors in {town} stayed shut.",
        ),
        (
            (
                f"{band} were to play, but the singer is ill.",
                f"{band} do not play this week.",
                f"The bus of {band} broke down.",
            ),
            never if is_off else later,
        ),
        (
            f"In {names.one_of(MONTHS)} {names.one_of(BANDS)} had filled the same hall.",
            f"{names.person()}, who owns the hall, is sorry.",
            f"The next stop is {names.town()}.",
            f"A ticket had cost {names.number(15, 60)}.",
        ),
        f"{band} concert in {town} {'cancelled' if is_off else f'moved to {month}'}",
    )


def _prize(names: Names) -> Report:
    town, prize, winner, second = names.town(), names.one_of(PRIZES), names.person(), names.person()
    return Report(
        (
            f"There was long applause in the theatre of {town}.",
            f"{names.number(30, 300)} works had been sent to {town}.",
            f"The jury in {town} had not made it easy for themselves.",
        ),
        (
            (
                f"They gave the {prize} to {winner}, while {second} went home without.",
                f"It was not {second} but {winner} who took the {prize} home.",
                f"The {prize} is for {winner}; {second} came second.",
            ),
        ),
        (
            f"Last year the {names.one_of(PRIZES)} had gone to {names.person()}.",
            f"It is worth {names.number(1000, 9000)}.",
            f"{names.person()} played the piano.",
            f"The speech was given by {names.person()} from {names.town()}.",
        ),
        f"{winner} wins the {prize} in {town}",
    )


def _jobs(names: Names) -> Report:
    town, firm = names.town(), f"{names.last()} {names.one_of(WORKS)}"
    jobs, more = names.number(20, 400), names.drawn.random() < 0.5
    taken = (
        f"They are looking for {jobs} new people.",
        f"{jobs} more are to be taken on.",
        f"There will be room for {jobs} more.",
    )
    gone = (
        f"{jobs} people will have to go.",
        f"For {jobs} of them there is no work any more.",
        f"{jobs} of them got a letter that says goodbye.",
    )
    return Report(
        (
            f"There is only one thing that people in {town} talk about.",
            f"On {names.one_of(DAYS)} everybody was called together in {town}.",
            f"{names.person()} had to speak to many people in {town}.",
        ),
        (
            (
                f"{firm} has {names.number(401, 900)} people there.",
                f"It is about {firm}.",
                f"{firm} has made its plans known.",
            ),
            taken if more else gone,
        ),
        (
            f"In {names.number(1990, 2020)} {names.last()} {names.one_of(WORKS)} had closed.",
            f"{names.person()} founded it {names.number(11, 90)} years ago.",
            f"The works in {names.town()} stay as they are.",
            f"{names.person()} of the union wants to wait and see.",
        ),
        f"{firm} {'creates' if more else 'cuts'} {jobs} jobs in {town}",
    )


KINDS = (_match, _shop, _vote, _damage, _bridge, _concert, _prize, _jobs)


def compose_reports() -> Iterator[tuple[str, str]]:
    """Pairs of a report and its headline, the same on each call."""
    drawn = random.Random(SEED)
    for number in range(COUNT):
        report = KINDS[number % len(KINDS)](Names(drawn))
        body = [drawn.choice(ways) for ways in report.facts]
        for aside in drawn.sample(report.asides, drawn.randint(2, 4)):
            body.insert(drawn.randint(0, len(body)), aside)
        yield " ".join([drawn.choice(report.leads), *body]), report.headline


def _fill_reports(writer: StoreWriter, path: Path) -> None:
    for report, headline in compose_reports():
        writer.add_pair(report, headline)


SETS = (
    Bundled(
        name="reports",
        title="Short reports with headlines",
        description="4,000 short made-up news reports, each with its headline. What matters stands "
        "in the middle, in other words, between older news and other names.",
        format="text-pair",
        task="summarization",
        source="Composed by Trainroom",
        licence="MIT",
        needs="nothing",
        source_note="Not real news: eight kinds of events in a few sentence patterns each, with "
        "names made up of syllables. A small model can learn them from zero; it will not be able "
        "to sum up a real newspaper after that. For real texts start from a pretrained model.",
        find=lambda: Path(__file__),
        fill=_fill_reports,
    ),
)
