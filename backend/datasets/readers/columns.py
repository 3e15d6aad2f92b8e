"""Which column of a table plays which role: by its name, else by what its cells hold."""

from collections.abc import Callable, Mapping, Sequence

from backend.datasets.formats import SPLIT, Column, DataFormat
from backend.datasets.readers.tables import Cell, Row
from backend.datasets.skips import shown
from backend.datasets.splits import TEST, TRAIN, UNASSIGNED, VALIDATION
from backend.errors import UsageError

SPLIT_WORDS = {
    "train": TRAIN, "training": TRAIN, "trn": TRAIN,
    "val": VALIDATION, "valid": VALIDATION, "validation": VALIDATION, "validate": VALIDATION,
    "dev": VALIDATION, "development": VALIDATION, "eval": VALIDATION,
    "test": TEST, "testing": TEST, "tst": TEST,
}  # fmt: skip
"""How people write the names of the splits, in small letters."""
OTHER_WORDS = 0.1
"""The share of a column of splits that may be other words: those rows are skipped."""
FEW_RATINGS = 101
"""Of a column of ratings, the most different values: 0 to 100."""

IsFile = Callable[[Cell], bool]


def split_of(word: str) -> int | None:
    """The split that a word names; UNASSIGNED for nothing, None for another word."""
    plain = word.strip().casefold()
    return SPLIT_WORDS.get(plain) if plain else UNASSIGNED


def choose_columns(
    columns: Sequence[str],
    sample: Sequence[Row],
    data_format: DataFormat,
    named: Mapping[str, str],
    name: str,
    is_file: IsFile | None = None,
) -> dict[str, int]:
    """The place of each role's column: as named, else guessed; optional ones may be absent.

    named: role -> column, "" for a role that no column has. name: of the table, for messages.
    is_file: whether a cell names one of the files that came along. Raises UsageError on unknown
    roles and columns, and where two roles want one column.
    """
    roles = {column.role: column for column in data_format.roles}
    places: dict[str, int] = {}
    for role, wanted in named.items():
        if role not in roles:
            known = ", ".join(roles)
            raise UsageError(
                f"There is no column called {shown(role)!r} to choose. Known: {known}."
            )
        if not wanted:
            if not roles[role].optional:
                raise UsageError(f"Choose {roles[role].title[0].lower()}{roles[role].title[1:]}.")
            continue
        if wanted not in columns:
            known = ", ".join(shown(column) for column in columns[:30])
            raise UsageError(f"{name} has no column {shown(wanted)!r}. Its columns: {known}.")
        places[role] = columns.index(wanted)
    if len(set(places.values())) < len(places):
        raise UsageError(f"{_listed(data_format)} must be different columns of {name}.")
    free = [role for role in roles.values() if role.role not in named]
    return _Guess(columns, sample, places, is_file).complete(free)


def _listed(data_format: DataFormat) -> str:
    titles = [column.role for column in data_format.columns]
    return f"The {', the '.join(titles[:-1])} and the {titles[-1]}"


class _Guess:
    """What is known of the columns, and a choice among those that are still free."""

    def __init__(
        self,
        columns: Sequence[str],
        sample: Sequence[Row],
        places: Mapping[str, int],
        is_file: IsFile | None,
    ) -> None:
        width = len(columns)
        self._rows = [row.cells for row in sample if len(row.cells) == width]
        self._names = [column.casefold().strip().replace(" ", "_") for column in columns]
        self._places = dict(places)
        self._is_file = is_file

    def complete(self, roles: Sequence[Column]) -> dict[str, int]:
        """Places for these roles too: those with a name first, then those that look right."""
        # A column whose cells are all names of splits holds nothing else, if it can be spared.
        ordered = sorted(roles, key=lambda role: role is not SPLIT)
        for guess in (self._by_name, self._by_looks):
            for role in ordered:
                if role.role in self._places or (role.optional and not self._can_spare(roles)):
                    continue
                place = guess(role)
                if place is not None:
                    self._places[role.role] = place
        return self._places

    def _can_spare(self, roles: Sequence[Column]) -> bool:
        """Whether more columns are free than the roles that must have one."""
        needed = [one for one in roles if not one.optional and one.role not in self._places]
        return len(self._free()) > len(needed)

    def _free(self) -> list[int]:
        return [place for place in range(len(self._names)) if place not in self._places.values()]

    def _by_name(self, role: Column) -> int | None:
        free = self._free()
        for known in role.names:
            for place in free:
                # A field of a field goes by its own name: translation.en is English.
                if known in (self._names[place], self._names[place].rpartition(".")[2]) and (
                    self._may_be(role, place)
                ):
                    return place
        return None

    def _may_be(self, role: Column, place: int) -> bool:
        """Whether the cells of a column that has the right name are what the role needs."""
        if role.looks == "split":
            return self._splits(place) > 0
        if role.looks == "file":
            return self._files(place) > 0
        return True

    def _by_looks(self, role: Column) -> int | None:
        free = self._free()
        if not free:
            # With a single column everything is in it; the form lets it be corrected.
            return None if role.optional else 0
        if role.looks == "long":
            return max(free, key=self._length)
        if role.looks == "few":
            # Of columns with equal variety the last: labels mostly stand behind the texts.
            # One that only repeats the names of the splits is hardly a label.
            likely = [place for place in free if self._splits(place) < 2] or free
            return min(reversed(likely), key=self._variety)
        if role.looks == "file":
            return max(free, key=self._files)
        if role.looks == "number":
            found = [place for place in free if self._numbers(place) == 1.0]
            few = [place for place in found if self._variety(place)[1] <= FEW_RATINGS]
            return few[0] if few else None
        if role.looks == "split":
            found = [place for place in free if self._splits(place) > 1]
            return found[0] if found else None
        return free[0]

    def _length(self, place: int) -> int:
        return sum(len(cells[place]) for cells in self._rows if isinstance(cells[place], str))

    def _variety(self, place: int) -> tuple[bool, int]:
        values = {str(cells[place]) for cells in self._rows}
        return (len(values) < 2, len(values))

    def _files(self, place: int) -> float:
        if not self._rows:
            return 0.0
        is_file = self._is_file or (lambda cell: False)
        values = [cells[place] for cells in self._rows]
        return sum(isinstance(v, bytes) or is_file(v) for v in values) / len(values)

    def _numbers(self, place: int) -> float:
        values = [value for cells in self._rows if (value := str(cells[place]).strip())]
        return sum(map(_is_number, values)) / len(values) if values else 0.0

    def _splits(self, place: int) -> int:
        """How many splits the cells name; 0 where more than a few name none."""
        found = [split_of(str(cells[place])) for cells in self._rows]
        named = {split for split in found if split not in (None, UNASSIGNED)}
        return len(named) if found.count(None) <= OTHER_WORDS * len(found) else 0


def _is_number(text: str) -> bool:
    return as_number(text) is not None


def as_number(text: str) -> float | None:
    """A number as people write it, with a point or a comma; None where it is none, or endless."""
    try:
        value = float(text.strip().replace(",", ".") if text.count(",") == 1 else text)
    except ValueError:
        return None
    return value if abs(value) < 1e30 else None
