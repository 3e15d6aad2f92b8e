"""What the people of this home have chosen once for all: how runs share, resume and are told."""

import dataclasses
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from backend.errors import ConfigError
from storage import preferences as stored

MOST_RUNS = 16
_ADDRESS = re.compile(r"[^@\s]{1,64}@[^@\s]{1,250}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Preferences:
    """Every preference with its default; empty texts switch a way of telling off."""

    resume_after_restart: bool = False
    runs_on_processor: int = 0
    """How many may train on the processor at a time; 0 leaves it to TRAINROOM_RUNS_PER_DEVICE."""
    interruptions_seen: float = 0.0
    """Until when (unix seconds) interrupted runs were put away: the home page offers later ones."""
    tour_run: int = 0
    """The run that the first-run tour trains; 0 before its first step."""
    tour_seen: str = ""
    """Its steps that were done, by name, between commas."""
    tour_over: bool = False
    """Whether somebody has put the tour away for good."""
    webhook_url: str = ""
    email_to: str = ""
    smtp_host: str = ""
    smtp_port: int = 587
    smtp_user: str = ""
    smtp_password: str = dataclasses.field(default="", repr=False)

    def __post_init__(self) -> None:
        if not 0 <= self.runs_on_processor <= MOST_RUNS:
            raise ConfigError(f"From 1 to {MOST_RUNS} trainings can share the processor.")
        if self.webhook_url:
            parts = urlsplit(self.webhook_url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ConfigError(
                    "The address to call must begin with https:// or http:// and name a computer."
                )
        if self.email_to and not _ADDRESS.fullmatch(self.email_to):
            raise ConfigError(f"{self.email_to!r} is no e-mail address.")
        if self.email_to and not self.smtp_host:
            raise ConfigError("An e-mail needs a mail server: name one, or empty the address.")
        if not 0 < self.smtp_port < 65536:
            raise ConfigError("The mail server's port must be from 1 to 65535.")


def load_preferences() -> Preferences:
    """The preferences in force; what was stored by another version and is unknown is left out."""
    known = {field.name for field in dataclasses.fields(Preferences)}
    found = {name: value for name, value in stored.read_preferences().items() if name in known}
    try:
        return Preferences(**found)
    except (ConfigError, TypeError):
        return Preferences()


def save_preferences(**changes: Any) -> Preferences:
    """Change some; raises ConfigError with a sentence before anything is written."""
    changes = {
        name: value.strip() if isinstance(value, str) and name != "smtp_password" else value
        for name, value in changes.items()
    }
    after = dataclasses.replace(load_preferences(), **changes)
    stored.write_preferences(changes)
    return after
