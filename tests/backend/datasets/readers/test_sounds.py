"""Recordings: every kind that is read, resampled well, and headers that lie."""

import contextlib
import io
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from backend.datasets.readers.sounds import decode_sound
from backend.datasets.store import SAMPLE_RATE, Store
from backend.errors import DataError
from tests.backend.datasets.conftest import bring, by_split, look, reasons, refused, write_zip
from tests.backend.datasets.readers.samples import tone


def loudest(sound: np.ndarray) -> float:
    """The pitch that is strongest, in Hz."""
    strength = np.abs(np.fft.rfft(sound.astype(float)))
    return float(np.argmax(strength) * SAMPLE_RATE / len(sound))


def encoded(kind: str, subtype: str | None, rate: int = 44_100, channels: int = 1) -> bytes:
    moments = np.arange(rate) / rate
    samples = 0.5 * np.sin(2 * np.pi * 440 * moments).astype(np.float32)
    buffer = io.BytesIO()
    soundfile.write(
        buffer, np.repeat(samples[:, None], channels, axis=1), rate, format=kind, subtype=subtype
    )
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("kind", "subtype"),
    [
        ("WAV", "PCM_16"), ("WAV", "PCM_24"), ("WAV", "FLOAT"), ("WAV", "ULAW"), ("WAV", "PCM_U8"),
        ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III"),
        ("AIFF", "PCM_16"),
    ],
)  # fmt: skip
def test_every_kind(kind: str, subtype: str) -> None:
    sound = decode_sound(encoded(kind, subtype, 48_000 if subtype == "OPUS" else 44_100))
    assert sound.dtype == np.int16
    assert len(sound) == pytest.approx(SAMPLE_RATE, rel=0.1)
    assert loudest(sound) == pytest.approx(440, abs=8)
    assert np.abs(sound).max() == pytest.approx(16_384, rel=0.15)


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 44_101])
def test_every_rate(rate: int) -> None:
    sound = decode_sound(tone(1.0, rate))
    assert len(sound) == pytest.approx(SAMPLE_RATE, abs=20)
    assert loudest(sound) == pytest.approx(440, abs=3)


def test_nothing_aliases() -> None:
    """A tone above what 16,000 samples a second can hold is silenced, not folded down."""
    sound = decode_sound(tone(1.0, 48_000, pitch=11_000))
    assert np.abs(sound[500:-500].astype(int)).max() < 200


def test_channels_are_averaged() -> None:
    one, six = decode_sound(tone(0.3)), decode_sound(tone(0.3, channels=6))
    assert np.abs(one.astype(int) - six).max() <= 1


def wav(size: int = 4000, **lies: int) -> bytes:
    """A WAV file whose header says something else."""
    data = b"\x10\x20" * (size // 2)
    fields = {"riff": 36 + size, "channels": 1, "rate": 16_000, "bits": 16, "data": size, **lies}
    return (
        b"RIFF" + struct.pack("<L", fields["riff"]) + b"WAVEfmt "
        + struct.pack(
            "<LHHLLHH", 16, fields.get("code", 1), fields["channels"], fields["rate"],
            (fields["rate"] * 2) % 2**32, 2, fields["bits"],
        )
        + b"data" + struct.pack("<L", fields["data"]) + data
    )  # fmt: skip


@pytest.mark.parametrize(
    "lies",
    [
        {"data": 2**32 - 1}, {"data": 2**31}, {"riff": 0}, {"channels": 0}, {"channels": 65_535},
        {"rate": 0}, {"rate": 1}, {"rate": 2**31 - 1}, {"rate": 2**32 - 1}, {"bits": 0},
        {"bits": 65_535}, {"bits": 12}, {"code": 85}, {"code": 65_534}, {"data": 0},
    ],
)  # fmt: skip
def test_headers_that_lie(lies: dict[str, int]) -> None:
    with contextlib.suppress(DataError):
        assert 0 < len(decode_sound(wav(**lies))) < 100_000


def test_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAINROOM_MAX_SOUND_SECONDS", "2")
    assert len(decode_sound(tone(2.0))) == 2 * SAMPLE_RATE
    with pytest.raises(DataError, match="longer than 2 seconds"):
        decode_sound(tone(30.0))


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "empty"),
        (b"just some words", "a text"),
        (b"<html>404</html>", "a text"),
        (b"\x00\x00\x00\x20ftypM4A " + bytes(100), "M4A"),
        (wav(0), "empty"),
        (tone(0.0), "empty"),
        (tone(0.2)[:20], "damaged"),
        (encoded("FLAC", "PCM_16")[:40], "damaged"),
        (bytes(range(256)) * 10, "damaged"),
    ],
)
def test_what_is_no_recording(data: bytes, word: str) -> None:
    with pytest.raises(DataError, match=word):
        decode_sound(data)


def test_silence_and_values_that_are_none() -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, np.zeros(8000, np.float32), 16_000, format="WAV")
    with pytest.raises(DataError, match="silent"):
        decode_sound(buffer.getvalue())
    samples = np.full(8000, 0.25, np.float32)
    samples[10:20], samples[30] = np.nan, np.inf
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, 16_000, format="WAV", subtype="FLOAT")
    sound = decode_sound(buffer.getvalue())
    assert (sound[15], sound[30]) == (0, 32_767)


def test_any_damage_gives_a_sentence_or_a_recording() -> None:
    rng = np.random.default_rng(0)
    for kind, subtype in (("WAV", "PCM_16"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("MP3", None)):
        good = encoded(kind, subtype)
        for _ in range(15):
            data = bytearray(good)
            for place in rng.integers(0, min(len(data), 4000), 6):
                data[place] = rng.integers(256)
            with contextlib.suppress(DataError):
                assert decode_sound(bytes(data)).dtype == np.int16


def members(count: int = 12) -> dict[str, bytes]:
    return {
        f"{name}/{n}.wav": tone(0.2, pitch=pitch + 10 * n)
        for name, pitch in (("low", 100), ("high", 2000))
        for n in range(count)
    }


def test_recordings_in_class_folders(home: Path, tmp_path: Path) -> None:
    files = members() | {"low/long.wav": tone(70.0, 1000), "low/x.png": b"x", "high/bad.mp3": b"x"}
    dataset = bring(write_zip(tmp_path / "a.zip", files), "audio-class")
    assert (dataset.rows, dataset.classes) == (24, ["high", "low"])
    found = reasons(dataset)
    assert "longer than 60 seconds" in found["low/long.wav"]
    assert found["low/x.png"] == "It is not a recording."
    assert "text" in found["high/bad.mp3"]
    store = Store.open(dataset.id)
    assert loudest(store.sound(0)) == pytest.approx(2000, abs=10)
    assert len(store.sound(0)) == 3200


def test_recordings_that_a_table_names(home: Path, tmp_path: Path) -> None:
    """As ESC-50 and many others come: a folder of recordings and a table with their classes."""
    names = [f"clips/{n}.wav" for n in range(12)]
    files = {name: tone(0.2, pitch=200 + 20 * n) for n, name in enumerate(names)}
    rows = "".join(
        f"{n}.wav,{n % 2},{('dog', 'rain')[n % 2]},{('train', 'test')[n > 8]}\n" for n in range(12)
    )
    files["meta/labels.csv"] = ("filename,target,category,split\n" + rows).encode()
    path = write_zip(tmp_path / "a.zip", files)
    found = look(path, "audio-class", tmp_path / "look")
    assert found.table["roles"] == {"file": "filename", "label": "category", "split": "split"}
    dataset = bring(path, "audio-class")
    assert (dataset.rows, dataset.classes) == (12, ["dog", "rain"])
    assert by_split(dataset)["test"] == 3


def test_a_zip_without_recordings(home: Path, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"low/x.txt": b"x"})
    with refused(tmp_path, "a.zip", "holds no recordings"):
        bring(path, "audio-class")
