"""Low-rank additions to a pretrained network's layers, and their settings; peft's only importer."""

from typing import Any

from backend.training.config import setting


def tuning_setting() -> Any:
    """A config's field: how much of a pretrained network learns."""
    return setting("full", "What learns", "Of a pretrained network: all of it, or only small additions beside each layer (LoRA), which takes far less memory and wants a learning rate about ten times as large.", choices=("full", "lora"), curve="With small additions it falls a little slower, and the two losses stay closer together.")  # fmt: skip  # noqa: E501


def rank_setting() -> Any:
    """A config's field: how large the additions are."""
    return setting(8, "Size of the additions", "For LoRA: how many numbers wide the additions are. More can learn more, and takes more memory.", low=1, high=256, curve="Larger ones let the training loss fall further.")  # fmt: skip  # noqa: E501


def add_lora(model: Any, rank: int) -> None:
    """Let a transformers model learn only two thin matrices beside each of its linear layers.

    Method: LoRA (Hu et al., 2022), on all of them (Dettmers et al., 2023), in place. What was
    there keeps its weights, and with the additions at their start the model computes the same.
    Given only a part of a network, such as its encoder, the other parts learn as before.
    """
    from peft import LoraConfig, inject_adapter_in_model

    config = LoraConfig(r=rank, lora_alpha=2 * rank, lora_dropout=0.05, target_modules="all-linear")
    inject_adapter_in_model(config, model)
    for name, weight in model.named_parameters():
        weight.requires_grad_("lora_" in name)
