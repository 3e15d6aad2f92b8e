"""What a user corrected before an import; made by form and command line, used by the readers."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Choices:
    """How to read what was given; whatever is left empty is found out by looking.

    form: how the files are meant (a name of recognise.py). columns: role -> column; "" for a role
    that none has. level: how many folders lie above those that name the classes. cut: what an
    example of plain texts is (a name of plain_texts.py).
    """

    form: str = ""
    encoding: str = ""
    separator: str = ""
    header: bool | None = None
    sheet: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    level: int | None = None
    keep_splits: bool = True
    cut: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Choices":
        return cls(**record)
