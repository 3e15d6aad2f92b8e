"""Torchvision's detectors: published weights fit, evaluation changes nothing, every size builds."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torchvision.models import get_model, get_model_weights
from torchvision.ops.misc import FrozenBatchNorm2d

from backend.errors import DownloadError, ModelError
from backend.models import detectors, torchvision
from backend.models.detectors import CLASSIFIERS, DetectorSettings, build_detector
from backend.tasks import get_task
from storage import files

SETTINGS = DetectorSettings(
    regions=16, head_width=32, frozen="none", whole=True, least_score=0.05, most_boxes=20
)
NAMES = tuple(CLASSIFIERS)
LIGHT = ("fasterrcnn_mobilenet_v2_fpn", "ssdlite320_mobilenet_v3_large")
TASK = get_task("object-detection")


def build(name: str, size: int = 64, **changes: Any) -> Any:
    from dataclasses import replace

    options = {"pretrained": False, "load": False}
    options |= {key: changes.pop(key) for key in tuple(changes) if key in options}
    checkpoint = TASK.get_model(name).checkpoint
    settings = replace(SETTINGS, **changes)
    return build_detector(name, checkpoint, 3, size, 12.0, settings, **options)


def a_batch(size: int = 64) -> tuple[torch.Tensor, torch.Tensor, list[dict[str, torch.Tensor]]]:
    """Two canvases: one with two things, one that is half empty and has none."""
    torch.manual_seed(0)
    boxes = torch.tensor([[4.0, 4.0, 24.0, 30.0], [20.0, 30.0, 60.0, 50.0]])
    targets = [
        {"boxes": boxes, "labels": torch.tensor([0, 2])},
        {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)},
    ]
    return torch.randn(2, 3, size, size), torch.tensor([[size, size], [size, size // 2]]), targets


@pytest.mark.parametrize("name", LIGHT)
def test_an_evaluation_changes_nothing_and_repeats(name: str) -> None:
    """The loss is computed as in training, without touching statistics or the run's chance."""
    model, batch = build(name), a_batch()
    model.train()
    model(*batch).backward()
    model.eval()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    chance = torch.get_rng_state()
    with torch.inference_mode():
        loss, found, seconds = model.measure(*batch)
        again, _, _ = model.measure(*batch)
        alone = model.find(*batch[:2])
    assert float(loss) == float(again) > 0
    assert seconds > 0
    assert torch.equal(chance, torch.get_rng_state())
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert not any(part.training for part in model.modules())
    for one, other in zip(found, alone, strict=True):
        assert torch.equal(one["boxes"], other["boxes"])
        assert len(one["boxes"]) <= 20
        assert set(one["labels"].tolist()) <= {0, 1, 2}
    assert found[1]["boxes"][:, [0, 2]].max() <= 32, "nothing is found where there is no picture"


@pytest.mark.parametrize("size", [32, 100, 160, 300])
def test_ssd_has_the_levels_that_a_canvas_has_room_for(size: int) -> None:
    with torch.device("meta"):
        net = build("ssd300_vgg16", size).net
        features = list(net.backbone.eval()(torch.zeros(1, 3, size, size)).values())
    assert len(features) == len(net.anchor_generator.aspect_ratios)
    assert len(features) == len(net.head.classification_head.module_list)
    assert min(features[-1].shape[-2:]) >= 1
    assert len(features) == {32: 4, 100: 4, 160: 5, 300: 6}[size]


def test_guesses_start_at_the_size_of_the_smallest_things() -> None:
    with torch.device("meta"):
        net = build("retinanet_resnet50_fpn").net
    assert net.anchor_generator.sizes[0][0] == pytest.approx(12)
    with torch.device("meta"):
        pretrained = build("retinanet_resnet50_fpn", pretrained=True).net
    assert pretrained.anchor_generator.sizes[0][0] == 32


def test_a_pretrained_backbone_keeps_its_statistics_and_what_is_frozen() -> None:
    model = build("fasterrcnn_mobilenet_v2_fpn", pretrained=True, load=True, frozen="early")
    body = model.net.backbone.body
    before = {key: value.clone() for key, value in body.state_dict().items()}
    model.train()
    loss = model(*a_batch())
    loss.backward()
    with torch.no_grad():
        for weight in model.parameters():
            if weight.grad is not None:
                weight -= 0.1 * weight.grad
    moved = {key for key, value in body.state_dict().items() if not torch.equal(value, before[key])}
    assert moved
    assert not {key for key in moved if "running" in key or int(key.split(".")[0]) < 11}
    whole = build("fasterrcnn_mobilenet_v2_fpn", pretrained=True, frozen="all")
    assert not any(weight.requires_grad for weight in whole.net.backbone.body.parameters())
    assert any(weight.requires_grad for weight in whole.net.rpn.parameters())


# ------------------------------------------------------------------------ published weights


@pytest.mark.parametrize("name", [name for name in NAMES if name != LIGHT[0]])
def test_the_weights_are_called_as_torchvision_calls_them(name: str) -> None:
    """What would be downloaded is what the installed torchvision would download."""
    spec = TASK.get_model(name)
    (known,) = [w for w in get_model_weights(name) if w is get_model_weights(name).DEFAULT] or [0]
    urls = [weights.url for weights in get_model_weights(name)]
    assert torchvision.SERVER + spec.checkpoint in urls
    assert known.meta["num_params"] > 0
    size = next(w for w in get_model_weights(name) if w.url.endswith(spec.checkpoint))
    assert spec.download_mb == pytest.approx(size.meta["_file_size"], rel=0.06)
    backbone = next(
        part for part in ("resnet50", "mobilenet_v3_large", "vgg16") if part.rstrip("50") in name
    )
    files_of = [weights.url.rsplit("/", 1)[1] for weights in get_model_weights(backbone)]
    assert CLASSIFIERS[name] in files_of


def publish(monkeypatch: pytest.MonkeyPatch, checkpoint: str, state: dict[str, Any]) -> None:
    """Put weights where a download would have put them, under their own hash."""
    path = files.downloads_dir() / "torchvision" / checkpoint
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(state, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr(torchvision, "_short_hash", lambda name: digest[:8])


def thaw(net: nn.Module) -> dict[str, torch.Tensor]:
    """The tensors as torchvision publishes them: with frozen norms, which count no batches."""
    state = net.state_dict()
    return {key: value for key, value in state.items() if not key.endswith("num_batches_tracked")}


@pytest.mark.parametrize(
    "name", ["fasterrcnn_mobilenet_v3_large_320_fpn", "ssdlite320_mobilenet_v3_large"]
)
def test_a_whole_published_detector_is_taken_over(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    torch.manual_seed(1)
    published = get_model(name, weights=None, weights_backbone=None, num_classes=91)
    publish(monkeypatch, TASK.get_model(name).checkpoint, thaw(published))
    size = 320
    net = build(name, size, pretrained=True, load=True, head_width=1024).net
    given, own = published.state_dict(), net.state_dict()
    same = [key for key in own if key in given and torch.equal(own[key], given[key])]
    other = [key for key in own if key not in same and not key.endswith("num_batches_tracked")]
    assert any(key.startswith("backbone.") for key in same)
    # All but the layers whose size depends on the number of classes.
    assert other
    assert all("cls" in key or "bbox_pred" in key or "classification" in key for key in other)

    # A narrow head starts from zero, the rest is taken over all the same.
    narrow = build(name, size, pretrained=True, load=True).net.state_dict()
    backbone = [key for key in same if key.startswith("backbone.")]
    assert all(torch.equal(narrow[key], given[key]) for key in backbone)


@pytest.mark.parametrize(
    ("name", "classifier"),
    [
        ("fasterrcnn_resnet50_fpn", "resnet50"),
        ("fasterrcnn_mobilenet_v3_large_fpn", "mobilenet_v3_large"),
        ("ssd300_vgg16", "vgg16"),
        ("ssdlite320_mobilenet_v3_large", "mobilenet_v3_large"),
    ],
)
def test_a_backbone_learns_on_from_what_it_knew(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str, classifier: str
) -> None:
    """Every convolution of the classifier's features, in the detector under another name."""
    torch.manual_seed(1)
    known = get_model(classifier, weights=None)
    publish(monkeypatch, CLASSIFIERS[name], known.state_dict())
    net = build(name, 64, pretrained=True, load=True, whole=False).net
    part = known if classifier == "resnet50" else known.features
    wanted = [m.weight for m in part.modules() if isinstance(m, nn.Conv2d)]
    found = [m.weight for m in detectors._body(net).modules() if isinstance(m, nn.Conv2d)]
    equal = [
        one.shape == two.shape and torch.equal(one, two)
        for one, two in zip(found, wanted, strict=False)
    ]
    least = {"ssdlite320_mobilenet_v3_large": 46}.get(name, len(wanted))
    assert all(equal[:least]), equal
    assert least > 0.7 * len(wanted)


def test_weights_of_another_network_are_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "ssdlite320_mobilenet_v3_large"
    publish(monkeypatch, TASK.get_model(name).checkpoint, {"conv1.weight": torch.zeros(3)})
    with pytest.raises(ModelError, match="do not fit"):
        build(name, pretrained=True, load=True)
    publish(monkeypatch, CLASSIFIERS[name], {"conv1.weight": torch.zeros(3)})
    with pytest.raises(ModelError, match="do not fit"):
        build(name, pretrained=True, load=True, whole=False)


def test_without_internet_the_download_says_what_to_do(home: Path) -> None:
    with pytest.raises(DownloadError, match="mobilenet_v2"):
        build("ssdlite320_mobilenet_v3_large", pretrained=True, load=True)


def test_frozen_norms_of_published_weights_are_what_we_compute() -> None:
    """Norms that keep their statistics compute what torchvision's frozen ones do."""
    ours, theirs = nn.BatchNorm2d(4, eps=0.0).eval(), FrozenBatchNorm2d(4, eps=0.0)
    with torch.no_grad():
        for part in (ours.weight, ours.bias, ours.running_mean, ours.running_var):
            part.copy_(torch.rand(4) + 0.5)  # type: ignore[union-attr]
    theirs.load_state_dict(thaw(ours))
    pixels = torch.randn(2, 4, 3, 3)
    assert torch.allclose(ours(pixels), theirs(pixels), atol=1e-5)
