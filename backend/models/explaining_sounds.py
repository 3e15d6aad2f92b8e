"""Why a recording got its class: the explanations of pictures, for what networks take of sounds."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from backend.models.explaining_gradients import Heat, heat_of
from backend.models.explaining_pictures import explain_picture
from backend.models.sound_processing import SoundProcessor, hear

Turn = Callable[[Tensor], Tensor]


def explain_sound(
    model: nn.Module,
    processor: SoundProcessor,
    data: bytes,
    device: torch.device,
    about: str | None = None,
) -> Iterator[dict[str, Any]]:
    """The parts of an explanation, on the spectrogram as people are shown it: low notes below."""
    features, (told,) = hear(processor, [data])
    shown, back = _as_picture(features)

    def ask(pictures: Tensor) -> Tensor:
        scores: Tensor = model(back(pictures))
        return scores

    heat: Heat | None = None
    if features.ndim == 4:  # what the network takes is a picture itself
        found = heat_of(model, model, features[0].to(device))

        def heat(index: int) -> Tensor:
            return found(index).flip(0)

    image = shown[0].to(device)
    yield from explain_picture(ask, image, told["seen"], processor.classes, heat, about)


def _as_picture(features: Tensor) -> tuple[Tensor, Turn]:
    """What a network takes of sounds as pictures [b, 1, high to low, time], and the way back.

    That is a spectrogram [b, 1, mels, frames], one lying down [b, frames, mels], or waves [b, n],
    which have no height.
    """
    if features.ndim == 4:
        return features.flip(2), lambda pictures: pictures.flip(2)
    if features.ndim == 3:
        return (
            features.transpose(1, 2).flip(1).unsqueeze(1),
            lambda pictures: pictures.squeeze(1).flip(1).transpose(1, 2),
        )
    return features[:, None, None], lambda pictures: pictures[:, 0, 0]
