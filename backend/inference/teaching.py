"""One example through a small network and one correction of it, in all numbers; for the lesson.

Runs where the models are loaded. The run's own model stays as it is: a copy is corrected.
"""

import base64
import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its name everywhere

from backend.datasets.images import encode_png
from backend.errors import UsageError
from backend.inference.predictor import load_predictor
from backend.models.image_processing import ImageProcessor
from backend.models.networks import MLP

NUDGE = 0.01
"""By how much one weight is moved to see what it does to the loss."""
CORRECTIONS = 20


def teach(run_id: int, picture: bytes, truth: str, rate: float) -> dict[str, Any]:
    """What happens when the network sees a picture and is told the truth, as plain JSON.

    rate: the learning rate. The keys are those of backend.lessons.Lesson. Raises UsageError where
    the run's model is no such network or has no class of that name.
    """
    predictor = load_predictor(run_id)
    network, processor = predictor.model, predictor.processor
    if not isinstance(network, MLP) or not isinstance(processor, ImageProcessor):
        raise UsageError("Only the small network of two layers can be shown number by number.")
    if truth not in processor.classes:
        raise UsageError(f"The model has no class called {truth!r}.")
    pixels, _ = processor.read(picture)
    images = processor.normalize(pixels.unsqueeze(0)).to(predictor.device)
    target = processor.classes.index(truth)
    # A copy, in full precision, so that the user's model is never touched.
    network = copy.deepcopy(network).double().requires_grad_(True)
    images = images.double()
    seen = {
        "classes": list(processor.classes), "truth": target, "rate": rate,
        "pixels": list(pixels.shape), "seen": _png(pixels),
        "weights": sum(one.numel() for one in network.parameters()),
    }  # fmt: skip
    return {**seen, **_forward_and_back(network, images, target, rate)}


def _png(pixels: Tensor) -> str:
    """uint8 [channels, h, w] as a PNG file in base64."""
    return base64.b64encode(encode_png(pixels.permute(1, 2, 0).contiguous().numpy())).decode()


def _forward_and_back(network: MLP, images: Tensor, target: int, rate: float) -> dict[str, Any]:
    """The numbers of one pass, of one weight's correction, and of many corrections in a row."""
    flatten, first, relu, last = network.layers
    assert isinstance(last, nn.Linear)
    hidden = relu(first(flatten(images)))
    scores = last(hidden)
    labels = torch.tensor([target], device=images.device)
    loss = F.cross_entropy(scores, labels)
    network.zero_grad()
    loss.backward()
    assert last.weight.grad is not None
    # The weight that this example speaks of loudest, among those that lead to the right answer.
    unit = int(last.weight.grad[target].abs().argmax())
    weight, gradient = last.weight[target, unit].item(), last.weight.grad[target, unit].item()
    numbers = {
        "hidden": hidden[0].tolist(), "scores": scores[0].tolist(),
        "shares": [scores.softmax(1)[0].tolist()], "losses": [loss.item()],
        "outgoing": last.weight[target].tolist(),
        "unit": unit, "weight": weight, "gradient": gradient, "bias": last.bias[target].item(),
        "nudge": NUDGE, "nudged_loss": _nudged(network, images, labels, unit),
    }  # fmt: skip
    for _ in range(CORRECTIONS):
        with torch.no_grad():
            for one in network.parameters():
                if one.grad is not None:
                    one.sub_(one.grad, alpha=rate)
        network.zero_grad()
        scores = network(images)
        loss = F.cross_entropy(scores, labels)
        loss.backward()
        numbers["shares"].append(scores.softmax(1)[0].tolist())
        numbers["losses"].append(loss.item())
    return numbers


@torch.no_grad()
def _nudged(network: MLP, images: Tensor, labels: Tensor, unit: int) -> float:
    """The loss if that one weight were a little larger; the network is left as it was."""
    last = network.layers[-1]
    assert isinstance(last, nn.Linear)
    place = last.weight[int(labels[0]), unit]
    before = place.clone()
    place += NUDGE
    loss = F.cross_entropy(network(images), labels).item()
    place.copy_(before)
    return loss
