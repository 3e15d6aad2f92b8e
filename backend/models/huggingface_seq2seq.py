"""Encoder-decoders of transformers (T5, BART, mBART, Pegasus, Marian and their kin).

Their tokenizers, configurations and pretrained weights, in the shape of our own (seq2seq.py).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tokenizers import (
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
)
from torch import Tensor, nn

from backend.errors import ConfigError, ModelError
from backend.models import hub
from backend.models.huggingface import load_model, load_tokenizer, plain_config, settings_of
from backend.models.spec import ModelSpec
from backend.models.text_pairs import END_ID, PAD_ID, START_ID, TextPairProcessor

# What the Hub says of these models, where it differs from the defaults of their kind: from zero
# they need nothing from it, since they then get a tokenizer of our own.
KNOWN: dict[str, dict[str, Any]] = {
    "google-t5/t5-small": {"model_type": "t5"},
    "facebook/bart-base": {
        "model_type": "bart", "d_model": 768, "encoder_layers": 6, "decoder_layers": 6,
        "encoder_attention_heads": 12, "decoder_attention_heads": 12, "encoder_ffn_dim": 3072,
        "decoder_ffn_dim": 3072,
    },
}  # fmt: skip
MARIAN_FILES = ("source.spm", "target.spm", "vocab.json")
UNKNOWN = "<unk>"
UNLIKELY = -100.0
"""The score of a piece that a SentencePiece file does not know: it is never chosen."""
SHOWN_CODES = 12


def build_processor(
    spec: ModelSpec,
    *,
    max_length: int,
    max_answer: int,
    prefix: str = "",
    languages: tuple[str, str] = ("", ""),
) -> TextPairProcessor:
    """The model's own tokenizers and configuration; raises ModelError, ConfigError.

    languages: codes of what goes in and what comes out, for models that know many; may be empty.
    """
    folder = hub.open_folder(spec.checkpoint)
    hub.check_reads_and_writes(folder)
    config = plain_config(hub.read_json(folder / "config.json"))
    said = config
    if (folder / "generation_config.json").is_file():
        said = {**hub.read_json(folder / "generation_config.json"), **_known(config)}
    end, pad = _number(said, "eos_token_id"), _number(said, "pad_token_id")
    if end is None:
        raise ModelError(f"{spec.title} names no token that ends an answer (eos_token_id).")
    pad = end if pad is None else pad
    start = _number(said, "decoder_start_token_id")
    source, target = _tokenizers(folder)
    forced = [
        _begin(tokenizer, code, end)
        for tokenizer, code in zip((source, target), languages, strict=True)
    ]
    limits = [
        number
        for number in (settings_of(folder).get("model_max_length"),
                       config.get("max_position_embeddings"))
        if isinstance(number, int) and number > 1
    ]  # fmt: skip
    return TextPairProcessor(
        source,
        target,
        min(max_length, *limits, max_length),
        min(max_answer, *limits, max_answer),
        pad_id=pad,
        start_id=(end if config["model_type"] == "mbart" else pad) if start is None else start,
        end_id=end,
        prefix=prefix,
        forced_id=forced[1],
        model_config=config,
    )


def config_from_zero(checkpoint: str, vocabulary: int) -> dict[str, Any]:
    """The configuration of a KNOWN model for a tokenizer of our own with so many tokens."""
    marks = {
        "vocab_size": vocabulary, "pad_token_id": PAD_ID, "bos_token_id": START_ID,
        "eos_token_id": END_ID, "decoder_start_token_id": START_ID, "forced_eos_token_id": None,
    }  # fmt: skip
    return plain_config({**KNOWN[checkpoint], **marks})


def _known(config: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if value is not None}


def _number(config: Mapping[str, Any], name: str) -> int | None:
    """A token's number; where there are several, the first."""
    value = config.get(name)
    value = value[0] if isinstance(value, list) and value else value
    return value if isinstance(value, int) else None


def _tokenizers(folder: Path) -> tuple[Tokenizer, Tokenizer]:
    """The tokenizers of what goes in and what comes out, two objects; raises ModelError."""
    is_marian = all((folder / name).is_file() for name in MARIAN_FILES)
    if is_marian and not (folder / "tokenizer.json").is_file():
        return _marian_tokenizer(folder, "source.spm"), _marian_tokenizer(folder, "target.spm")
    source = load_tokenizer(folder)
    return source, Tokenizer.from_str(source.to_str())


def _marian_tokenizer(folder: Path, name: str) -> Tokenizer:
    """A tokenizer out of a SentencePiece file whose pieces vocab.json numbers anew.

    Only Marian's models are kept so, and transformers reads them with a tokenizer of Python, which
    cannot be saved as one file. The pieces of a text are the same (tested against it).
    """
    from sentencepiece import sentencepiece_model_pb2 as pieces_format

    numbers = hub.read_json(folder / "vocab.json")
    proto = pieces_format.ModelProto()  # type: ignore[attr-defined] # made at import
    try:
        proto.ParseFromString((folder / name).read_bytes())
        scores = {piece.piece: piece.score for piece in proto.pieces}
        pieces = sorted(numbers, key=numbers.__getitem__)
        vocabulary = [(piece, scores.get(piece, UNLIKELY)) for piece in pieces]
        tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=numbers[UNKNOWN]))
    except Exception as error:  # protobuf and tokenizers raise types of their own
        raise ModelError(
            f"{name} of {folder.name} is damaged. Download the model again."
        ) from error
    spaces = normalizers.Replace(Regex(" {2,}"), " ")
    charsmap = proto.normalizer_spec.precompiled_charsmap
    first = [normalizers.Precompiled(charsmap)] if charsmap else []
    tokenizer.normalizer = normalizers.Sequence([*first, normalizers.Strip(), spaces])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=False)
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always", split=False)
    tokenizer.add_special_tokens([name for name in ("</s>", UNKNOWN, "<pad>") if name in numbers])
    return tokenizer


def _begin(tokenizer: Tokenizer, code: str, end: int) -> int | None:
    """Let texts begin with a language's code where one is given, and end with the end's token.

    Returns the code's number, or None without one; raises ConfigError on a code that is unknown.
    """
    closing = tokenizer.id_to_token(end)
    if closing is None:
        raise ModelError("The tokenizer does not know the token that ends an answer.")
    if not code:
        # Some tokenizers are saved without what belongs around a text.
        if tokenizer.encode("a").ids[-1:] != [end]:
            tokenizer.post_processor = processors.TemplateProcessing(
                single=["$A", closing], special_tokens=[(closing, end)]
            )
        return None
    number = tokenizer.token_to_id(code)
    if number is None:
        known = [token for token in tokenizer.get_vocab() if _is_language(token)]
        words = f"It knows {', '.join(sorted(known)[:SHOWN_CODES])}." if known else "It has none."
        raise ConfigError(f"The model knows no language code {code!r}. {words}")
    tokenizer.post_processor = processors.TemplateProcessing(
        single=[code, "$A", closing], special_tokens=[(code, number), (closing, end)]
    )
    return number


def _is_language(token: str) -> bool:
    """en_XX (mBART), eng_Latn (NLLB) or __en__ (M2M100)."""
    parts = token.strip("_").split("_")
    if token.startswith("__"):
        return len(parts) == 1
    return len(parts) == 2 and parts[0].islower() and len(parts[0]) in (2, 3) and parts[1].isalpha()


def build_network(
    spec: ModelSpec, processor: TextPairProcessor, *, pretrained: bool
) -> "HubSeq2Seq":
    """The network of a processor, with its pretrained weights or from zero; raises ModelError."""
    from safetensors import SafetensorError
    from transformers import AutoModelForSeq2SeqLM

    folder = hub.open_folder(spec.checkpoint) if pretrained else None
    assert processor.model_config is not None
    try:
        model = load_model(AutoModelForSeq2SeqLM, processor.model_config, folder)
    except (ValueError, KeyError, OSError, RuntimeError, SafetensorError) as error:
        raise ModelError(
            f"{spec.title} cannot be used to turn texts into texts ({hub.first_line(error)})."
        ) from error
    return HubSeq2Seq(model, processor)


class HubSeq2Seq(nn.Module):
    """A network of transformers that is trained, asked and watched as our own are (seq2seq.py)."""

    def __init__(self, model: Any, processor: TextPairProcessor) -> None:
        from transformers import GenerationConfig

        super().__init__()
        # Folders ask for beams and least lengths that suit what their model was made for.
        model.generation_config = GenerationConfig(
            decoder_start_token_id=processor.start_id,
            pad_token_id=processor.pad_id,
            eos_token_id=processor.end_id,
            forced_bos_token_id=processor.forced_id,
            max_new_tokens=processor.max_answer,
        )
        self.model = model

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, decoder_input_ids: Tensor
    ) -> Tensor:
        """Scores of each next token [b, t, vocabulary]."""
        return self.model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            decoder_input_ids=decoder_input_ids,
            use_cache=False,
        ).logits

    def generate(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        *,
        num_beams: int = 1,
        max_new_tokens: int | None = None,
    ) -> Tensor:
        """Answers [b, length], without the token that all begin with."""
        longest = {"max_new_tokens": max_new_tokens} if max_new_tokens else {}
        found: Tensor = self.model.generate(
            input_ids=input_ids,
            attention_mask=attention_mask,
            num_beams=num_beams,
            do_sample=False,
            **longest,
        )
        return found[:, 1:]

    def attend(
        self, input_ids: Tensor, attention_mask: Tensor, decoder_input_ids: Tensor
    ) -> Tensor | None:
        """The mean over the heads of the last layer's attention to the input, [b, t, s], if any."""
        usual = self.model.config._attn_implementation
        try:
            self.model.set_attn_implementation("eager")  # the quicker ways keep no weights
            result = self.model(
                input_ids=input_ids,
                attention_mask=attention_mask,
                decoder_input_ids=decoder_input_ids,
                output_attentions=True,
                use_cache=False,
            )
        except (ValueError, AttributeError):  # an architecture without cross-attention
            return None
        finally:
            self.model.set_attn_implementation(usual)
        layers = getattr(result, "cross_attentions", None)
        return None if not layers or layers[-1] is None else layers[-1].mean(dim=1)
