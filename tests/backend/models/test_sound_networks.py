"""Networks for recordings: what they can tell apart by their shape alone."""

from pathlib import Path

import torch

from backend.models.sound_processing import MELS
from backend.tasks import get_task
from tests.backend.tasks.samples import sound_dataset


def test_the_cnn_tells_high_from_low(home: Path) -> None:
    """The same figure two octaves higher is another sound, before anything has been learnt."""
    dataset, task = sound_dataset(), get_task("audio-classification")
    spec, config = task.get_model("cnn"), task.config()
    processor = task.build_processor(dataset, spec, config)
    torch.manual_seed(0)
    model = task.build_model(spec, processor, config, pretrained=False).eval()
    sounds = torch.zeros(2, 1, MELS, 40)
    sounds[0, 0, 12:16, 10:30] = sounds[1, 0, 44:48, 10:30] = 3.0
    low, high = task.features(model, {"inputs": sounds})
    assert torch.cosine_similarity(low, high, dim=0) < 0.9
