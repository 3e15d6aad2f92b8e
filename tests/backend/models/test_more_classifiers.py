"""torchvision's further classifiers: complete, true to what torchvision says, and usable."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import nn

from backend.errors import ModelError
from backend.models import torchvision
from backend.models.more_classifiers import FAMILIES
from backend.models.spec import ModelSpec, Weights
from backend.tasks import get_task

TASK = get_task("image-classification")
MORE = TASK.more_models
SMALL = ("alexnet", "densenet121", "googlenet", "mnasnet0_5", "regnet_y_400mf", "squeezenet1_1")
"""One of each family that is built or saved in a way of its own, small enough to train here."""


@pytest.fixture(autouse=True)
def _regnets_can_be_meta(monkeypatch: pytest.MonkeyPatch) -> None:
    """RegNet computes the widths of its layers with tensors, which must hold numbers."""
    from torchvision.models.regnet import BlockParams

    build = BlockParams.from_init_params

    def on_the_processor(*args: Any, **options: Any) -> Any:
        with torch.device("cpu"):
            return build(*args, **options)

    monkeypatch.setattr(BlockParams, "from_init_params", on_the_processor)


def test_every_classifier_of_torchvision_can_be_named() -> None:
    import torchvision.models as models

    ours = {spec.name for spec in (*TASK.models, *MORE)}
    theirs = set(models.list_models(module=models))
    assert theirs <= ours
    assert ours - theirs == {"mlp", "cnn"}
    assert len(ours) == len(TASK.models) + len(MORE), "none is there twice"


@pytest.mark.parametrize("spec", MORE, ids=lambda spec: spec.name)
def test_records_are_what_torchvision_says(home: Any, spec: ModelSpec) -> None:
    from torchvision.models import get_model_weights

    entry = {one.url: one for one in get_model_weights(spec.name)}[
        torchvision.SERVER + spec.checkpoint
    ]
    assert spec.download_mb == pytest.approx(entry.meta["_file_size"] * 1.048576, abs=1)
    right = entry.meta["_metrics"]["ImageNet-1K"]["acc@1"]
    assert f"{right:.1f} % of ImageNet" in spec.description
    assert ("BSD" in spec.licence) == ("license" not in entry.meta)
    assert TASK.weights(spec) is Weights.DOWNLOAD
    mean = entry.transforms.keywords.get("mean")
    assert torchvision.colours(spec)[0] == pytest.approx(mean or torchvision.IMAGENET[0])


@pytest.mark.parametrize("spec", MORE, ids=lambda spec: spec.name)
def test_a_network_has_a_new_last_layer(spec: ModelSpec) -> None:
    size = torchvision.fitting_size(spec.name, 224)
    with torch.device("meta"):
        model = torchvision.build_network(spec, 10, size, pretrained=False, freeze_backbone=True)
        scores = model.eval()(torch.zeros(2, 3, size, size))
    assert scores.shape == (2, 10)
    assert sum(weight.numel() for weight in model.parameters()) == spec.parameters
    head = torchvision.head_of(model)
    learns = {name for name, weight in model.named_parameters() if weight.requires_grad}
    assert learns - {f"{head}.bias"} == {f"{head}.weight"}


@pytest.mark.parametrize(
    "spec",
    [next(spec for spec in MORE if spec.name.startswith(family)) for family in FAMILIES],
    ids=lambda spec: spec.name,
)
def test_small_pictures_get_a_size_that_fits(spec: ModelSpec) -> None:
    size = torchvision.fitting_size(spec.name, 64)
    assert 64 <= size <= 224
    with torch.device("meta"):
        model = torchvision.build_network(spec, 3, size, pretrained=False, freeze_backbone=False)
        assert model.eval()(torch.zeros(2, 3, size, size)).shape == (2, 3)


@pytest.mark.parametrize(
    ("name", "size", "words"),
    [("alexnet", 48, "at least 63"), ("maxvit_t", 128, "multiple of 224"),
     ("vit_h_14", 64, "multiple of 14")],
)  # fmt: skip
def test_a_size_that_does_not_fit_is_refused(name: str, size: int, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        torchvision.build_network(
            TASK.get_model(name), 2, size, pretrained=False, freeze_backbone=False
        )


def _published(name: str) -> Iterator[tuple[str, torch.Tensor]]:
    """A network's weights as torchvision publishes them: 1,000 classes, side outputs, old names."""
    from torchvision.models import get_model

    options = {"init_weights": False} if name in torchvision.WITH_SIDE_OUTPUTS else {}
    torch.manual_seed(1)
    for key, value in get_model(name, weights=None, **options).state_dict().items():
        if name.startswith("densenet") and "denselayer" in key:
            for part in ("norm1", "norm2", "conv1", "conv2"):
                key = key.replace(f".{part}.", f".{part[:-1]}.{part[-1]}.")
        yield key, value


@pytest.mark.parametrize("name", SMALL)
def test_published_weights_fill_all_but_the_head_and_come_back_from_a_checkpoint(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    from safetensors.torch import load_model, save_model

    published = dict(_published(name))
    monkeypatch.setattr(torchvision, "read_weights", lambda checkpoint: dict(published))

    def build(*, pretrained: bool) -> nn.Module:
        return torchvision.build_network(
            TASK.get_model(name), 4, 96, pretrained=pretrained, freeze_backbone=False
        )

    model = build(pretrained=True)
    head = torchvision.head_of(model)
    renamed = {key.replace("norm.", "norm").replace("conv.", "conv"): key for key in published}
    for key, value in model.state_dict().items():
        if not key.startswith(f"{head}."):
            assert torch.equal(value, published[renamed.get(key, key)]), key
    save_model(model, str(tmp_path / "model.safetensors"))
    again = build(pretrained=False)
    load_model(again, str(tmp_path / "model.safetensors"))
    pictures = torch.rand(2, 3, 96, 96)
    assert torch.equal(model.eval()(pictures), again.eval()(pictures))


@pytest.mark.parametrize("name", SMALL)
def test_a_step_of_training(name: str) -> None:
    model = torchvision.build_network(
        TASK.get_model(name), 4, 64, pretrained=False, freeze_backbone=False
    ).train()
    batch = {"images": torch.rand(4, 3, 64, 64), "labels": torch.arange(4)}
    loss = TASK.compute(model, batch, train=True)["loss"]
    loss.backward()
    assert torch.isfinite(loss)
    assert all(weight.grad is not None for weight in model.parameters())
