"""Every setting of the app: name, default, help and environment variable."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Setting:
    """A number that the operator can change with an environment variable."""

    variable: str
    default: float
    help: str

    def value(self) -> float:
        """The value in force; a variable that is no number counts as not set."""
        try:
            return float(os.environ[self.variable])
        except (KeyError, ValueError):
            return self.default


RUNS_PER_DEVICE = Setting(
    "TRAINROOM_RUNS_PER_DEVICE", 1, "How many runs may train on one device at the same time."
)
STANDBY_WORKER = Setting(
    "TRAINROOM_STANDBY_WORKER", 1, "1 keeps a worker warm (about 700 MB), 0 starts one per run."
)
SUPERVISOR_IDLE_SECONDS = Setting(
    "TRAINROOM_SUPERVISOR_IDLE_SECONDS", 60, "How long the supervisor outlives the app when idle."
)
INFERENCE_IDLE_SECONDS = Setting(
    "TRAINROOM_INFERENCE_IDLE_SECONDS", 300, "After how long the playground frees its memory."
)
INFERENCE_TIMEOUT_SECONDS = Setting(
    "TRAINROOM_INFERENCE_TIMEOUT_SECONDS", 120, "The longest one prediction may take."
)
MAX_UPLOAD_MB = Setting(
    "TRAINROOM_MAX_UPLOAD_MB", 2048, "The largest data file that can be brought in."
)
MAX_ROWS = Setting("TRAINROOM_MAX_ROWS", 1_000_000, "The most rows of a table that is brought in.")
MAX_ARCHIVE_FILES = Setting(
    "TRAINROOM_MAX_ARCHIVE_FILES", 150_000, "The most files in an archive that is brought in."
)
MAX_IMAGE_PIXELS = Setting(
    "TRAINROOM_MAX_IMAGE_PIXELS", 50_000_000, "Larger pictures are refused before decoding."
)
MAX_SOUND_SECONDS = Setting(
    "TRAINROOM_MAX_SOUND_SECONDS", 60, "Longer recordings are refused, in seconds."
)
IMPORT_MEMORY_MB = Setting(
    "TRAINROOM_IMPORT_MEMORY_MB", 1024, "The most memory that reading somebody's data may take."
)


@dataclass(frozen=True, slots=True)
class FolderSetting:
    """Folders that the operator names in an environment variable, as PATH lists them."""

    variable: str
    help: str
    default: str = "none"

    def value(self) -> tuple[Path, ...]:
        """Those that exist, with links followed; none where nothing is set."""
        parts = os.environ.get(self.variable, "").split(os.pathsep)
        named = (Path(part).expanduser() for part in parts if part.strip())
        return tuple(path.resolve() for path in named if path.is_absolute() and path.is_dir())


DATA_FOLDERS = FolderSetting(
    "TRAINROOM_DATA_FOLDERS",
    "Folders of this computer whose contents may be brought in from the page.",
)

ALL: dict[str, Setting | FolderSetting] = {
    setting.variable: setting
    for setting in list(vars().values())
    if isinstance(setting, Setting | FolderSetting)
}
