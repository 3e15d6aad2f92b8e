"""Hyperparameters: one line per field serves the form, the command line, checks and stored JSON."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from backend.errors import ConfigError

# Seconds between checkpoints within a long epoch.
SAVE_INTERVAL = 300.0


def setting(
    default: Any,
    label: str,
    help: str,  # noqa: A002 - the name that every form library uses for it
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    advanced: bool = True,
    curve: str = "",
    costs: bool = True,
) -> Any:
    """A dataclass field that knows how to draw and check itself.

    curve: what it does to the curves of a run, in a sentence. costs: whether a step's time or
    memory depends on it, so that a pre-flight must be measured anew when it changes.
    """
    return dataclasses.field(
        default=default,
        metadata={
            "label": label,
            "help": help,
            "low": low,
            "high": high,
            "choices": choices,
            "advanced": advanced,
            "curve": curve,
            "costs": costs,
        },
    )


@dataclass(frozen=True, kw_only=True)
class Options:
    """Settings that check themselves; what can be set when a model is asked extends it."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            _check(field, getattr(self, field.name))


@dataclass(frozen=True, kw_only=True)
class TrainingConfig(Options):
    """What every task's training has in common; tasks add fields by subclassing."""

    epochs: int = setting(5, "Epochs", "How many times the model sees all training examples.", low=1, high=1000, advanced=False, costs=False, curve="More epochs make the curve longer; past some point the validation loss rises again.")  # fmt: skip  # noqa: E501
    batch_size: int = setting(64, "Batch size", "How many examples it looks at before each small correction. Larger needs more memory.", low=1, high=4096, advanced=False, curve="A small batch makes the training loss jagged, a large one makes it smooth but slower to fall per epoch.")  # fmt: skip  # noqa: E501
    learning_rate: float = setting(1e-3, "Learning rate", "How large each correction is. Too large and the loss jumps, too small and nothing happens.", low=1e-8, high=10.0, advanced=False, costs=False, curve="Too large: the loss jumps or shoots up. Too small: it is nearly flat.")  # fmt: skip  # noqa: E501
    optimizer: str = setting("adamw", "Optimizer", "How corrections are computed: AdamW adapts by itself, SGD is the classic.", choices=("adamw", "sgd"), curve="AdamW usually falls faster at the start; SGD wants a larger learning rate and more epochs.")  # fmt: skip  # noqa: E501
    momentum: float = setting(0.9, "Momentum", "For SGD only: how much of the last correction is kept in the next one.", low=0.0, high=0.999, costs=False, curve="More momentum makes the loss fall faster and smoother; too much makes it swing.")  # fmt: skip  # noqa: E501
    scheduler: str = setting("cosine", "Schedule", "How the learning rate changes over the run: falls in a curve, in a straight line, or stays.", choices=("cosine", "linear", "constant"), costs=False, curve="With a falling rate the loss settles towards the end; with a constant one it keeps trembling.")  # fmt: skip  # noqa: E501
    warmup_steps: int = setting(100, "Warm-up steps", "Steps in which the learning rate rises from zero; at most a tenth of the run is used.", low=0, high=100_000, costs=False, curve="The loss falls slowly at first, but does not jump up in the first steps.")  # fmt: skip  # noqa: E501
    weight_decay: float = setting(0.01, "Weight decay", "Pulls weights towards zero, which helps against learning by heart.", low=0.0, high=1.0, costs=False, curve="Training and validation loss stay closer together; too much keeps both high.")  # fmt: skip  # noqa: E501
    gradient_accumulation: int = setting(1, "Gradient accumulation", "Batches summed up before each correction: a large batch in little memory.", low=1, high=1024, curve="As a larger batch: fewer, smoother points.")  # fmt: skip  # noqa: E501
    max_grad_norm: float = setting(1.0, "Gradient clipping", "Caps the size of a correction so that one odd batch does no harm; 0 switches it off.", low=0.0, high=1000.0, curve="Takes single spikes out of the loss; too low slows the fall.")  # fmt: skip  # noqa: E501
    keep_checkpoints: int = setting(2, "Saved copies", "How many of the newest copies of the model are kept, beside the best one.", low=2, high=100, costs=False, curve="Changes nothing in the curve, only how much disk is used.")  # fmt: skip  # noqa: E501
    early_stopping: int = setting(0, "Early stopping", "Stop after this many epochs without a better validation loss; 0 means never.", low=0, high=1000, costs=False, curve="The curve ends soon after the validation loss has stopped falling.")  # fmt: skip  # noqa: E501
    seed: int = setting(42, "Seed", "The start of all random numbers: the same seed repeats the same run.", low=0, high=2**31 - 1, costs=False, curve="Another seed gives a slightly different curve; how different tells how much is chance.")  # fmt: skip  # noqa: E501
    device: str = setting("auto", "Device", "Where to compute: auto takes a free graphics card, else the processor. Or cpu, cuda:0, cuda:1, mps.", curve="The same curve within rounding, drawn faster or slower.")  # fmt: skip  # noqa: E501
    mixed_precision: str = setting("auto", "Mixed precision", "Half-size numbers on a graphics card: faster, less memory. Auto uses them where they are safe.", choices=("auto", "off", "bf16", "fp16"), curve="Nearly the same curve; if the loss becomes no number with fp16, switch it off.")  # fmt: skip  # noqa: E501
    compile: bool = setting(False, "Compile the model", "Spends a minute at the start to make each step faster; worth it for long runs on a graphics card.", curve="The first point comes late, the others faster.")  # fmt: skip  # noqa: E501
    deterministic: bool = setting(False, "Exactly repeatable", "On a graphics card: slower, but the same run twice gives the same numbers.", curve="Two runs with the same seed lie exactly on each other.")  # fmt: skip  # noqa: E501

    def __post_init__(self) -> None:
        super().__post_init__()
        device = self.device
        if device not in ("auto", "cpu", "mps", "cuda") and not (
            device.startswith("cuda:") and device[5:].isascii() and device[5:].isdigit()
        ):
            raise ConfigError(f"Device is {device!r}; it can be auto, cpu, mps, cuda or cuda:0.")

    @property
    def evaluation_batch_size(self) -> int:
        """Examples at once where nothing is learnt, which takes less memory."""
        return max(self.batch_size, 64)


# What a run may change when it goes on: how it continues, not what was learnt or in which order.
CHANGEABLE = frozenset(
    {
        "epochs", "batch_size", "gradient_accumulation", "learning_rate", "scheduler",
        "warmup_steps", "max_grad_norm", "keep_checkpoints", "early_stopping", "device",
        "mixed_precision", "compile", "deterministic",
    }
)  # fmt: skip


Config = TypeVar("Config", bound=Options)


def config_from(cls: type[Config], values: Mapping[str, Any]) -> Config:
    """Build a config from JSON values or command-line strings.

    Raises ConfigError with a sentence that names the setting and what is allowed.
    """
    fields = {field.name: field for field in dataclasses.fields(cls)}
    unknown = [name for name in values if name not in fields]
    if unknown:
        raise ConfigError(f"There is no setting called {unknown[0]!r}. Known: {', '.join(fields)}.")
    return cls(**{name: _parse(fields[name], value) for name, value in values.items()})


def _kind(field: dataclasses.Field[Any]) -> type:
    return type(field.default)


def _parse(field: dataclasses.Field[Any], value: Any) -> Any:
    """Turn a string into the field's type; other values pass unchanged to the check."""
    kind = _kind(field)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    # A float that is a whole number is what JSON and number inputs may make of an int.
    if kind is int and isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, str) or kind is str:
        return value
    text = value.strip().lower()
    if kind is bool:
        if text in ("true", "yes", "on", "1"):
            return True
        if text in ("false", "no", "off", "0"):
            return False
        raise ConfigError(f"{field.metadata['label']} is {value!r}; it can be true or false.")
    try:
        # int("１") is 1: only plain ASCII digits are what the user meant to write.
        if not text.isascii():
            raise ValueError
        return kind(text)
    except ValueError:
        word = "a whole number" if kind is int else "a number"
        raise ConfigError(f"{field.metadata['label']} is {value!r}; it must be {word}.") from None


def _check(field: dataclasses.Field[Any], value: Any) -> None:
    label, kind = field.metadata["label"], _kind(field)
    low, high = field.metadata["low"], field.metadata["high"]
    choices = field.metadata["choices"]
    if type(value) is not kind:
        words = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
        raise ConfigError(f"{label} is {value!r}; it must be {words[kind]}.")
    if choices and value not in choices:
        raise ConfigError(f"{label} is {value!r}; it can be {', '.join(choices)}.")
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{label} is {value}; it must be a number from {low:g} to {high:g}.")
    if low is not None and not low <= value <= high:
        raise ConfigError(f"{label} is {value:g}; it must be from {low:g} to {high:g}.")


def costly(config: TrainingConfig) -> dict[str, Any]:
    """The settings that time or memory of a step depend on, as plain values."""
    return {
        field.name: getattr(config, field.name)
        for field in dataclasses.fields(config)
        if field.metadata["costs"]
    }
