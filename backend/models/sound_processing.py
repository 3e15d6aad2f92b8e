"""Recordings as a network takes them: the one path for training, evaluation and the playground."""

import base64
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.datasets.images import encode_png
from backend.datasets.readers.sounds import FULL_SCALE, decode_sound
from backend.datasets.store import SAMPLE_RATE, Store
from backend.errors import CheckpointError, DataError

FILE = "processor.json"
# Windows of 32 ms every 16 ms: half the steps that are usual for speech, and half the time.
WINDOW, STEP, MELS = 512, 256, 64
LOWEST_HZ, HIGHEST_HZ = 20.0, 8000.0
# Every window of sound is brought to this loudness, so that distance from the microphone tells
# nothing; below SILENCE (of 1, about -66 decibels) there is nothing to bring up.
LOUDNESS, SILENCE = 0.1, 0.0005
# Recordings looked at for length, mean and deviation.
SAMPLE = 500
USUAL_SHARE, MOST_SECONDS = 0.95, 10.0
SILENT = (
    "The recording is silent. Check that the microphone is switched on and chosen in the browser, "
    "and speak a little nearer."
)
CUT = "The recording is longer than {:.1f} s; the loudest {:.1f} s of it were heard."
# Dark blue over green to yellow: five points of the colour map viridis.
COLOURS = np.array([(68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37)])


def mel_matrix(mels: int = MELS) -> Tensor:
    """Triangular filters [WINDOW / 2 + 1, mels] that sum frequencies up as ears do.

    Evenly spaced on the mel scale of O'Shaughnessy (1987), 2595 log10(1 + f / 700), as in HTK.
    """
    low, high = (2595 * math.log10(1 + hertz / 700) for hertz in (LOWEST_HZ, HIGHEST_HZ))
    corners = 700 * (10 ** (torch.linspace(low, high, mels + 2) / 2595) - 1)
    bins = torch.linspace(0, SAMPLE_RATE / 2, WINDOW // 2 + 1).unsqueeze(1)
    rising = (bins - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - bins) / (corners[2:] - corners[1:-1])
    return torch.minimum(rising, falling).clamp(min=0)


def log_mel(waves: Tensor, matrix: Tensor) -> Tensor:
    """Log of the energy by mel band and time, [b, mels, frames], of waves [b, n] from -1 to 1."""
    window = torch.hann_window(WINDOW, device=waves.device)
    spectrum = torch.stft(waves, WINDOW, STEP, window=window, return_complex=True)
    power = spectrum.abs().square()
    return torch.log(matrix.T @ power + 1e-5)


def cut(sound: NDArray[np.int16], length: int) -> NDArray[np.int16]:
    """The loudest stretch of a recording of `length` samples; a shorter one in silence."""
    if len(sound) <= length:
        before = (length - len(sound)) // 2
        return np.pad(sound, (before, length - len(sound) - before))
    energy = np.concatenate([[0.0], np.cumsum(np.square(sound, dtype=np.float64))])
    starts = np.arange(0, len(sound) - length + 1, STEP)
    start = int(starts[np.argmax(energy[starts + length] - energy[starts])])
    return sound[start : start + length]


def as_waves(sounds: Tensor) -> Tensor:
    """Samples int16 [b, n] as floats of equal loudness; silence stays silent."""
    waves = sounds.float() / FULL_SCALE
    waves = waves - waves.mean(dim=1, keepdim=True)
    loudness = waves.square().mean(dim=1, keepdim=True).sqrt()
    return waves * torch.where(loudness > SILENCE, LOUDNESS / loudness.clamp(min=1e-9), 1.0)


@dataclass
class SoundProcessor:
    """What a network was trained to expect of a recording; saved as JSON with its checkpoints.

    length: samples that it hears. mean, std: of the log-mel values of the training part.
    """

    classes: list[str]
    length: int
    mean: float
    std: float

    def save(self, folder: Path) -> None:
        (folder / FILE).write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "SoundProcessor":
        """The processor that save() wrote; raises CheckpointError."""
        return cls(**read_record(folder))

    @cached_property
    def _matrix(self) -> Tensor:
        return mel_matrix()

    def read(self, data: bytes) -> tuple[NDArray[np.int16], list[str]]:
        """A file's stretch of sound, int16 [length], and what was done to it in words.

        Raises DataError where it is no recording, or a silent one.
        """
        sound = decode_sound(data)
        hints = []
        if len(sound) > self.length:
            hints.append(CUT.format(self.length / SAMPLE_RATE, self.length / SAMPLE_RATE))
        stretch = cut(sound, self.length)
        if np.square(stretch / FULL_SCALE).mean() < SILENCE**2:
            raise DataError(SILENT)
        return stretch, hints

    def features(self, waves: Tensor) -> Tensor:
        """What the network takes, [b, 1, mels, frames], of waves [b, length] on their device."""
        values = log_mel(waves, self._matrix.to(waves.device))
        return ((values - self.mean) / self.std).unsqueeze(1)

    def __call__(
        self, inputs: Sequence[bytes], device: "torch.device | str" = "cpu"
    ) -> dict[str, Tensor]:
        """A batch without labels from the bytes of sound files."""
        return {"inputs": hear(self, inputs)[0].to(device)}


def read_record(folder: Path) -> dict[str, Any]:
    """What a sound processor saved; raises CheckpointError."""
    try:
        record: dict[str, Any] = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return record
    except (OSError, ValueError) as error:
        raise CheckpointError(
            "The saved model's description of its recordings is missing or damaged. Train the "
            "model again."
        ) from error


def usual_length(store: Store, seconds: float) -> int:
    """Samples to hear: as set, or as long as nearly all recordings of the training part."""
    if seconds:
        return round(seconds * SAMPLE_RATE)
    lengths = [len(store.sound(index)) for index in _some(store)]
    usual = float(np.quantile(lengths, USUAL_SHARE))
    # Whole tenths of a second, and never less than a network can shrink.
    tenth = SAMPLE_RATE // 10
    return int(np.clip(math.ceil(usual / tenth) * tenth, 3 * tenth, MOST_SECONDS * SAMPLE_RATE))


def build_sound_processor(store: Store, classes: list[str], seconds: float) -> SoundProcessor:
    """Length, mean and deviation of the training recordings."""
    length = usual_length(store, seconds)
    sounds = np.stack([cut(store.sound(index), length) for index in _some(store)])
    values = log_mel(as_waves(torch.from_numpy(sounds)), mel_matrix())
    return SoundProcessor(classes, length, float(values.mean()), max(float(values.std()), 1e-3))


def _some(store: Store) -> list[int]:
    train = store.indices("train")
    chosen: list[int] = train[:: max(1, len(train) // SAMPLE)].tolist()
    return chosen


class SoundSplit:
    """The recordings of one split, cut to length once; features are made batch by batch."""

    lengths: Tensor | None = None

    def __init__(self, store: Store, processor: Any, split: str, augmentation: bool) -> None:
        indices = self.indices = store.indices(split)
        self.processor, self.augmentation = processor, augmentation
        self.labels = torch.from_numpy(store.labels[indices])
        self.sounds = torch.empty(len(indices), processor.length, dtype=torch.int16)
        for place, index in enumerate(indices.tolist()):
            self.sounds[place] = torch.from_numpy(cut(store.sound(index), processor.length).copy())

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, indices: Tensor, device: torch.device) -> dict[str, Tensor]:
        """{"inputs": what the network takes, "labels": int64 [b]} on the device."""
        waves = as_waves(self.sounds[indices]).to(device)
        if self.augmentation:
            waves = move_and_mix(waves)
        inputs = self.processor.features(waves)
        if self.augmentation and inputs.ndim == 4:
            inputs = hide_bands(inputs)
        return {"inputs": inputs, "labels": self.labels[indices].to(device)}


# How far a sound is moved (share of its length), and how loud the noise is at most (of LOUDNESS).
SHIFT, NOISE = 0.1, 0.3
# The widest bands that are hidden, of all frequencies and of the time.
HIDDEN_MELS, HIDDEN_TIME, BANDS = 0.15, 0.15, 2


def move_and_mix(waves: Tensor) -> Tensor:
    """Each sound a little earlier or later, with noise and another loudness; waves [b, n].

    Random numbers come from torch's global generator, whose state checkpoints keep.
    """
    count, length = waves.shape
    shift, volume, gain = torch.rand(3, count, 1, device=waves.device)
    places = torch.arange(length, device=waves.device) + ((shift * 2 - 1) * SHIFT * length).long()
    inside = (places >= 0) & (places < length)
    moved = waves.gather(1, places.clamp(0, length - 1)) * inside
    noisy = moved + torch.randn_like(moved) * (NOISE * LOUDNESS * volume.square())
    return noisy * 2 ** (gain * 2 - 1)


def hide_bands(features: Tensor) -> Tensor:
    """Some frequencies and moments set to the mean, in place; features [b, 1, mels, frames].

    SpecAugment (Park et al., 2019) without its warping of time.
    """
    count, _, mels, frames = features.shape
    for size, widest, axis in ((mels, HIDDEN_MELS, 2), (frames, HIDDEN_TIME, 3)):
        for _ in range(BANDS):
            width, start = torch.rand(2, count, 1, device=features.device)
            width = width * widest * size
            start = start * (size - width)
            places = torch.arange(size, device=features.device)
            hidden = (places >= start) & (places < start + width)
            shape = (count, 1, size, 1) if axis == 2 else (count, 1, 1, size)
            features.masked_fill_(hidden.view(shape), 0.0)
    return features


def spectrogram_png(sound: NDArray[np.int16]) -> str:
    """What is heard as a coloured picture, low notes at the bottom: a PNG file in base64."""
    values = log_mel(as_waves(torch.from_numpy(sound[None])), mel_matrix())[0].flip(0)
    low, high = values.quantile(0.05), values.max()
    shades = ((values - low) / (high - low).clamp(min=1e-6)).clamp(0, 1).numpy()
    points = np.linspace(0, 1, len(COLOURS))
    channels = [np.interp(shades, points, COLOURS[:, number]) for number in range(3)]
    picture = np.stack(channels, axis=2).round().astype(np.uint8)
    # About twice as wide as high, however long a moment is in pixels.
    wide = max(1, round(4 * MELS / picture.shape[1]))
    return base64.b64encode(encode_png(picture.repeat(2, axis=0).repeat(wide, axis=1))).decode()


def hear(processor: SoundProcessor, inputs: Sequence[bytes]) -> tuple[Tensor, list[dict[str, Any]]]:
    """What the network takes of sound files, and what to tell beside each answer.

    That is the spectrogram that was seen, and hints on what was done to the recording.
    """
    read = [processor.read(data) for data in inputs]
    sounds = torch.from_numpy(np.stack([sound for sound, _ in read]))
    told = [{"seen": spectrogram_png(sound), "hints": hints} for sound, hints in read]
    return processor.features(as_waves(sounds)), told
