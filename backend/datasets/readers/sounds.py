"""The safe decoder of recordings, used by imports and by models that listen: any rate and number
of channels to one."""

import io
import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from backend import settings
from backend.datasets.store import SAMPLE_RATE
from backend.errors import DataError

if TYPE_CHECKING:
    from soundfile import SoundFile

FORMATS = ("WAV", "WAVEX", "RF64", "W64", "FLAC", "OGG", "MP3", "AIFF", "AU", "CAF")
"""An allow-list of what libsndfile opens; its other formats are rare and older."""
NAMES = "WAV, FLAC, OGG or MP3"
RATES = 1_000, 400_000
MAX_CHANNELS = 32
BLOCK = 1 << 16
FULL_SCALE = 32_768
SHORTEST = 0.01
"""Seconds: a shorter one is a click, in which nothing can be heard."""


def decode_sound(data: bytes) -> NDArray[np.int16]:
    """The recording in a file's bytes as int16 [n], mono, SAMPLE_RATE samples a second.

    Channels are averaged. Raises DataError with a sentence that names the rule: too long, empty,
    silent in no channel, damaged; callers add the file.
    """
    import soundfile

    if not data:
        raise DataError("The recording is empty (0 bytes).")
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            samples = _mono(file)
            rate = file.samplerate
    except (MemoryError, DataError):
        raise
    # libsndfile's errors come as LibsndfileError, RuntimeError, ValueError or OSError.
    except Exception as error:
        raise DataError(_damaged(data)) from error
    if len(samples) < SHORTEST * rate:
        raise DataError("The recording is empty: it has no samples.")
    return _as_stored(resample(samples, rate))


def _mono(file: "SoundFile") -> NDArray[np.float32]:
    """All samples, channels averaged, read block by block: the header may lie about the length."""
    if file.format not in FORMATS:
        raise DataError(f"This is a {file.format} file; use {NAMES}.")
    if not RATES[0] <= file.samplerate <= RATES[1] or file.channels > MAX_CHANNELS:
        raise DataError(
            f"The recording says that it has {file.channels:,} channels and {file.samplerate:,} "
            "samples a second, which cannot be."
        )
    longest = settings.MAX_SOUND_SECONDS.value()
    blocks: list[NDArray[np.float32]] = []
    total = 0
    while total <= longest * file.samplerate:
        block = file.read(BLOCK, dtype="float32", always_2d=True)
        if len(block) == 0:
            return np.concatenate(blocks) if blocks else np.empty(0, np.float32)
        blocks.append(block.mean(axis=1))
        total += len(block)
    raise DataError(
        f"The recording is longer than {longest:g} seconds. Cut it into shorter pieces, or set "
        f"{settings.MAX_SOUND_SECONDS.variable} higher."
    )


def resample(samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """To SAMPLE_RATE with scipy's polyphase filter, which lets nothing alias."""
    if rate == SAMPLE_RATE:
        return samples
    from scipy.signal import resample_poly

    common = math.gcd(rate, SAMPLE_RATE)
    up, down = SAMPLE_RATE // common, rate // common
    if max(up, down) > 2000:  # an odd rate would need an endless filter: the nearest simple ratio
        ratio = SAMPLE_RATE / rate
        down = min(2000, max(1, round(2000 / max(1.0, ratio))))
        up = max(1, round(down * ratio))
    return resample_poly(samples, up, down).astype(np.float32)


def _as_stored(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    sound = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0)
    if not sound.any():
        raise DataError("The recording is silent from beginning to end.")
    return as_int16(sound)


def as_int16(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    """Samples from -1 to 1 as whole numbers; what a store keeps comes back to the last bit."""
    whole = (samples * FULL_SCALE).round().clip(-FULL_SCALE, FULL_SCALE - 1)
    return whole.astype(np.int16)


def is_sound(data: bytes) -> bool:
    """Whether a file begins as a recording does: WAV, FLAC, OGG, AIFF or MP3."""
    if data[:4] == b"RIFF":
        return data[8:12] == b"WAVE"
    if data[:4] == b"FORM":
        return data[8:11] == b"AIF"
    if data[:4] in (b"fLaC", b"OggS") or data[:3] == b"ID3":
        return True
    # An MP3 file without a tag begins with eleven bits that are set; so does a JPEG file.
    return len(data) > 1 and data[0] == 0xFF and data[1] >= 0xE0 and data[:3] != b"\xff\xd8\xff"


def _damaged(data: bytes) -> str:
    start = data[:64].lstrip()
    if data[4:8] == b"ftyp":
        return f"This is an M4A, AAC or video file; use {NAMES}."
    if start.isascii() and start.decode("ascii").isprintable():
        return f"This is a text, not a recording; use {NAMES}."
    return f"The recording is damaged, or of a kind that cannot be read; use {NAMES}."
