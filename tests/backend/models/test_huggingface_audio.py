"""Networks of transformers that listen: from a local folder, as save_pretrained writes one."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from backend.datasets.preview import encode_wav
from backend.errors import ModelError
from backend.models.huggingface_audio import HubSoundProcessor
from backend.models.spec import Weights
from backend.tasks import get_task
from tests.backend.tasks.samples import note, sound_dataset

TASK = get_task("audio-classification")
CPU = torch.device("cpu")


def tiny_wav2vec2(folder: Path) -> Path:
    from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2Model

    config = Wav2Vec2Config(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        conv_dim=(8, 8, 8), conv_stride=(8, 5, 4), conv_kernel=(16, 5, 4), classifier_proj_size=8,
        num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=2, mask_time_length=2,
        num_feat_extract_layers=3,
    )  # fmt: skip
    torch.manual_seed(0)
    Wav2Vec2Model(config).save_pretrained(folder)
    Wav2Vec2FeatureExtractor().save_pretrained(folder)
    return folder


def tiny_ast(folder: Path) -> Path:
    from transformers import ASTConfig, ASTFeatureExtractor, ASTModel

    config = ASTConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_length=64, num_mel_bins=16,
    )  # fmt: skip
    torch.manual_seed(0)
    ASTModel(config).save_pretrained(folder)
    ASTFeatureExtractor(max_length=64, num_mel_bins=16).save_pretrained(folder)
    return folder


FOLDERS = {"wav2vec2": tiny_wav2vec2, "ast": tiny_ast}


@pytest.fixture(params=FOLDERS)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return FOLDERS[request.param](tmp_path / f"tiny-{request.param}")


def build(folder: Path, **changes: Any) -> tuple[Any, Any, Any]:
    dataset = sound_dataset()
    config = TASK.config(pretrained=True, **changes)
    spec = TASK.get_model(str(folder))
    processor = TASK.build_processor(dataset, spec, config)
    model = TASK.build_model(spec, processor, config, pretrained=True)
    return model, processor, TASK.load_split(dataset, processor, config, "train")


def test_a_local_folder_trains_from_its_weights_and_comes_back(
    home: Path, folder: Path, tmp_path: Path
) -> None:
    from transformers import AutoModel

    spec = TASK.get_model(str(folder))
    assert TASK.weights(spec) is Weights.HERE
    model, processor, split = build(folder)
    stored, own = AutoModel.from_pretrained(folder).state_dict(), model.state_dict()
    prefix = f"model.{model.model.base_model_prefix}."
    assert stored
    for name, weight in stored.items():
        assert torch.equal(own[prefix + name], weight), name
    result = TASK.compute(model, split.batch(torch.arange(4), CPU), train=True)
    result["loss"].backward()
    assert torch.isfinite(result["loss"])
    # Saved and loaded, without the folder: the same features and the same kind of network.
    (tmp_path / "saved").mkdir()
    processor.save(tmp_path / "saved")
    again = TASK.load_processor(tmp_path / "saved")
    assert isinstance(again, HubSoundProcessor)
    sound = [encode_wav(note(900))]
    assert torch.equal(again(sound)["inputs"], processor(sound)["inputs"])
    other = TASK.build_model(spec, again, TASK.config(), pretrained=False)
    other.load_state_dict(own)
    answers = [
        TASK.predict(one.eval(), processor, sound, CPU, TASK.options()) for one in (model, other)
    ]
    assert answers[0] == answers[1]


def test_freezing_leaves_only_the_head_to_learn(home: Path, folder: Path) -> None:
    model, _, _ = build(folder, freeze_backbone=True)
    names = {name for name, weight in model.named_parameters() if weight.requires_grad}
    assert names
    assert all("classifier" in name or "projector" in name for name in names)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sampling_rate": 44_100}, "44,100 samples"),
        ({"feature_extractor_type": "os.system"}, "os.system"),
        ({"feature_extractor_type": "AutoModel"}, "AutoModel"),
    ],
)
def test_inputs_that_do_not_fit_are_refused_before_the_training(
    home: Path, tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    folder = tiny_wav2vec2(tmp_path / "tiny")
    path = folder / "preprocessor_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    with pytest.raises(ModelError, match=words):
        build(folder)


def test_a_model_for_texts_is_refused(home: Path, tmp_path: Path) -> None:
    folder = tiny_wav2vec2(tmp_path / "tiny")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "bert"}))
    with pytest.raises(ModelError, match="recordings"):
        build(folder)
