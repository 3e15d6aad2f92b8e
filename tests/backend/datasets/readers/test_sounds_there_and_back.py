"""Recordings there and back: to the last bit, and told apart from pictures."""

import io

import numpy as np
import pytest
import soundfile

from backend.datasets.preview import encode_wav
from backend.datasets.readers.sounds import decode_sound, is_sound
from tests.backend.tasks.samples import note


def test_what_the_store_keeps_comes_back_to_the_last_bit() -> None:
    """Or the playground would hear a test recording otherwise than the evaluation did."""
    sound = note(500)
    sound[:2] = (-32_768, 32_767)
    assert (decode_sound(encode_wav(sound)) == sound).all()


def test_numbers_that_are_none_do_no_harm() -> None:
    file = io.BytesIO()
    samples = np.array([0.5, np.nan, np.inf, -np.inf] * 400, "f4")
    soundfile.write(file, samples, 16_000, format="WAV", subtype="FLOAT")
    assert decode_sound(file.getvalue())[:4].tolist() == [16_384, 0, 32_767, -32_768]


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "MP3", "AIFF"])
def test_recordings_are_known_by_their_beginning(kind: str) -> None:
    file = io.BytesIO()
    soundfile.write(file, note(440), 16_000, format=kind)
    assert is_sound(file.getvalue())


def test_pictures_are_no_sounds() -> None:
    assert not is_sound(b"RIFF\x10\0\0\0WEBPVP8 ")
    assert not is_sound(b"\xff\xd8\xff\xe0\0\x10JFIF")
    assert not is_sound(b"")
    assert is_sound(b"\xff\xfb\x90\x00")
