"""Recordings as networks take them: pitch, loudness, length, silence, augmentation, sight."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from backend.datasets.preview import encode_wav
from backend.datasets.store import Store
from backend.errors import CheckpointError, DataError
from backend.models.sound_processing import (
    MELS,
    SoundProcessor,
    SoundSplit,
    as_waves,
    build_sound_processor,
    cut,
    hear,
    hide_bands,
    log_mel,
    mel_matrix,
    move_and_mix,
)
from tests.backend.tasks.samples import note, sound_dataset

CPU = torch.device("cpu")


@pytest.fixture
def processor(home: Path) -> SoundProcessor:
    dataset = sound_dataset()
    return build_sound_processor(Store.open(dataset.id), dataset.classes, 0.0)


def test_filters_follow_the_mel_scale() -> None:
    matrix = mel_matrix()
    assert matrix.shape == (257, MELS)
    assert (matrix.sum(dim=0) > 0).all()
    peaks = matrix.argmax(dim=0).float() * 16_000 / 512
    assert (peaks.diff() >= 0).all()
    # Narrow for low notes, wide for high ones; a thousand hertz lie at a thousand mel.
    widths = (matrix > 0).sum(dim=0)
    assert widths[-1] > 5 * widths[0]
    middle = int((peaks - 1000).abs().argmin())
    assert middle == pytest.approx(MELS * 1000 / 2840, abs=2)


def test_a_note_lights_up_its_band() -> None:
    waves = as_waves(torch.from_numpy(np.stack([note(hertz) for hertz in (200, 800, 3000)])))
    bands = log_mel(waves, mel_matrix()).mean(dim=2).argmax(dim=1).tolist()
    assert bands == sorted(set(bands))


def test_loudness_and_an_offset_change_nothing() -> None:
    sound = torch.from_numpy(note(500)[None]).float()
    quiet, shifted = as_waves(sound / 8), as_waves(sound + 500)
    assert torch.allclose(as_waves(sound), quiet, atol=1e-3)
    assert torch.allclose(as_waves(sound), shifted, atol=1e-3)
    assert (as_waves(torch.zeros(1, 100, dtype=torch.int16)) == 0).all()


def test_the_loudest_stretch_of_a_long_recording_is_heard() -> None:
    sound = np.random.default_rng(0).integers(-50, 50, 48_000).astype(np.int16)
    sound[30_000:34_000] += note(500)[:4_000]
    heard = cut(sound, 6_400)
    assert len(heard) == 6_400
    assert np.abs(heard).max() == np.abs(sound).max()
    assert (np.abs(heard) > 1000).sum() == (np.abs(sound) > 1000).sum()


def test_a_short_one_stands_in_the_middle_of_silence() -> None:
    heard = cut(np.ones(100, np.int16), 301)
    assert heard.sum() == 100
    assert heard[100:200].all()


def test_length_follows_the_data(processor: SoundProcessor, home: Path) -> None:
    assert processor.length == 6_400
    store = Store.open("tinyaudioclass")
    assert build_sound_processor(store, [], 1.5).length == 24_000


def test_features_have_mean_zero_and_deviation_one(processor: SoundProcessor) -> None:
    split = SoundSplit(Store.open("tinyaudioclass"), processor, "train", False)
    inputs = split.batch(torch.arange(len(split)), CPU)["inputs"]
    assert inputs.shape[1:] == (1, MELS, 26)
    assert float(inputs.mean()) == pytest.approx(0, abs=0.05)
    assert float(inputs.std()) == pytest.approx(1, abs=0.05)


def test_silence_gets_a_sentence(processor: SoundProcessor) -> None:
    hiss = np.random.default_rng(0).integers(-2, 3, 16_000).astype(np.int16)
    for sound in (np.zeros(16_000, np.int16), hiss):
        with pytest.raises(DataError, match="silent"):
            processor.read(encode_wav(sound))


def test_what_was_cut_is_said(processor: SoundProcessor) -> None:
    sound, hints = processor.read(encode_wav(note(500, seconds=1.0)))
    assert len(sound) == 6_400
    assert "0.4 s" in hints[0]
    assert processor.read(encode_wav(note(500)))[1] == []


def test_what_was_heard_is_shown(processor: SoundProcessor) -> None:
    _, told = hear(processor, [encode_wav(note(3_000)), encode_wav(note(250))])
    high, low = (np.asarray(Image.open(io.BytesIO(base64.b64decode(one["seen"])))) for one in told)
    assert high.shape == (2 * MELS, 10 * 26, 3)
    brightest = [picture.sum(axis=(1, 2)).argmax() for picture in (high, low)]
    assert brightest[0] < brightest[1]  # high notes are further up


def test_augmentation_changes_sounds_and_keeps_what_they_are() -> None:
    torch.manual_seed(0)
    waves = as_waves(torch.from_numpy(np.stack([note(900, seed) for seed in range(8)])))
    moved = move_and_mix(waves.clone())
    assert moved.shape == waves.shape
    assert not torch.allclose(moved, waves)
    bands = [log_mel(one, mel_matrix()).mean(2).argmax(1) for one in (waves, moved)]
    assert (bands[0] - bands[1]).abs().max() <= 1
    features = torch.randn(4, 1, MELS, 40)
    hidden = hide_bands(features.clone()) == 0
    assert 0 < hidden.float().mean() < 0.6
    shown = torch.where(hidden, features, hide_bands(features.clone()))
    assert shown.shape == features.shape


def test_a_damaged_description_gets_a_sentence(processor: SoundProcessor, tmp_path: Path) -> None:
    processor.save(tmp_path)
    assert SoundProcessor.load(tmp_path) == processor
    (tmp_path / "processor.json").write_text("{")
    with pytest.raises(CheckpointError, match="recordings"):
        SoundProcessor.load(tmp_path)
