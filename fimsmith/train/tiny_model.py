"""Make a tiny DeepSeek-Coder look-alike from any corpus, so that a whole run fits on a laptop.

    fimsmith tiny-model configs/demo.yaml

The tokenizer has DeepSeek-Coder's pre-tokenizer and sentinels, the model its architecture with
random weights. The folder is written as the hub has DeepSeek-Coder, not as transformers 5 would
save it: what breaks on the real model (legacy rope keys, untied embeddings, embedding rows that no
token uses, LlamaTokenizerFast as the class of a byte-level tokenizer) shall break here first.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM

from fimsmith import __version__, storage
from fimsmith.errors import DataError, ModelError
from fimsmith.progress import say

STAGE = "model"
STAMP = "tiny-model.json"
CONTEXT = 4096  # tokens

# DeepSeek-Coder's own order, tokenizer.json of deepseek-ai/deepseek-coder-6.7b-base
BOS, EOS = "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"
PLAIN = (
    "<｜fim▁hole｜>",
    "<｜fim▁begin｜>",
    "<｜fim▁end｜>",
    "<pad>",
    "<|User|>",
    "<|Assistant|>",
    "<|EOT|>",
)
_SPLITS = (r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-퟿]+")
_BYTES = 256  # the alphabet of a byte-level tokenizer
_RESERVED = 32  # embedding rows for the added tokens and a few that no token uses
_SMALLEST = 384  # embedding rows that leave room for a hundred merges
_BYTES_PER_TOKEN = 16  # of the corpus; fewer and the tokenizer learns whole lines by heart
_HEAD = 32  # size of an attention head


@dataclass(frozen=True, slots=True)
class _Options:
    """What the model's bytes depend on besides the corpus."""

    vocabulary: int  # rows of the embedding
    hidden: int
    layers: int
    seed: int


def build(
    texts: Sequence[str], folder: Path, *, vocabulary: int = 4096, hidden: int = 256, layers: int = 4, seed: int = 0
) -> Path:
    """Make a tiny model in `folder` with a tokenizer learned from texts, and return the folder.

    A folder that already holds this model is returned as it is, another tiny model there is replaced.
    `vocabulary` counts embedding rows and is lowered for a small corpus. Raises DataError for a corpus
    too small, ModelError for impossible sizes and for a folder that holds anything else.
    """
    options = _Options(vocabulary, hidden, layers, seed)
    _check(options)
    digest, size = _digest(texts)
    stamp = {"corpus": digest, **asdict(options), "version": __version__}
    folder = Path(folder)
    if _holds(folder) == stamp:
        say(STAGE, f"reusing {folder}")
        return folder
    options = _fit(options, size)
    say(STAGE, f"learning a tokenizer from {len(texts):,} files, {size / 1e6:.1f} MB")
    with storage.explained(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as partial:
            parameters = _write(Path(partial), texts, options)
            storage.write_atomically(Path(partial) / STAMP, json.dumps(stamp, indent=1))
            _publish(Path(partial), folder)
    say(STAGE, f"{parameters / 1e6:.1f} million parameters, {options.vocabulary:,} embedding rows in {folder}")
    return folder


def _check(options: _Options) -> None:
    if options.vocabulary < _SMALLEST:
        raise ModelError(f"a vocabulary of {options.vocabulary} is too small; use at least {_SMALLEST}")
    if options.hidden < 1 or options.hidden % _HEAD:
        raise ModelError(f"a hidden size of {options.hidden} is not a multiple of {_HEAD}; use 64, 128 or 256")
    if options.layers < 1:
        raise ModelError(f"a model of {options.layers} layers cannot be made; use at least 1")


def _digest(texts: Sequence[str]) -> tuple[str, int]:
    """Return a hash of all texts, and their size in bytes."""
    total, size = hashlib.sha256(), 0
    for text in texts:
        data = text.encode("utf-8", errors="surrogatepass")
        total.update(len(data).to_bytes(8, "little") + data)
        size += len(data)
    return total.hexdigest()[:16], size


def _holds(folder: Path) -> dict[str, Any] | None:
    """The stamp of the tiny model in a folder; raises ModelError when the folder holds something else."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return None
    try:
        return json.loads((folder / STAMP).read_bytes())
    except (OSError, ValueError):
        raise ModelError(f"{folder} exists and is not a tiny model; set model.path to a new folder") from None


def _fit(options: _Options, size: int) -> _Options:
    """Lower the vocabulary to what a small corpus can teach."""
    most = size // _BYTES_PER_TOKEN // 64 * 64
    if most < _SMALLEST:
        raise DataError(
            f"the sources hold {size:,} bytes of usable text, too few for a tokenizer; "
            f"add sources until there are {_SMALLEST * _BYTES_PER_TOKEN:,} bytes, such as examples/shop"
        )
    if most >= options.vocabulary:
        return options
    say(STAGE, f"the corpus is small ({size:,} bytes): vocabulary {options.vocabulary:,} lowered to {most:,}")
    return _Options(most, options.hidden, options.layers, options.seed)


def _write(folder: Path, texts: Sequence[str], options: _Options) -> int:
    """Write all files of the model and return the number of parameters."""
    tokenizer = _tokenizer(texts, options.vocabulary - _RESERVED)
    settings = _settings(options, tokenizer)
    tokenizer.save(str(folder / "tokenizer.json"))
    marks = {"bos_token_id": settings["bos_token_id"], "eos_token_id": settings["eos_token_id"]}
    generation = {"_from_model_config": True, **marks, "transformers_version": settings["transformers_version"]}
    for name, content in (
        ("config", settings),
        ("tokenizer_config", _tokenizer_settings()),
        ("generation_config", generation),
    ):
        text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
    model = _model(settings, options.seed)
    save_file(model.state_dict(), folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)  # safetensors makes it private
    return model.num_parameters()


def _tokenizer(texts: Sequence[str], tokens: int) -> Tokenizer:
    """Learn byte-level BPE behind DeepSeek-Coder's splits; the added tokens come after the merges."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            *(pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in _SPLITS),
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=max(tokens, _BYTES),
        min_frequency=2,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer, length=len(texts))
    tokenizer.add_special_tokens([AddedToken(text, normalized=False, special=True) for text in (BOS, EOS)])
    tokenizer.add_tokens([AddedToken(text, normalized=False, special=False) for text in PLAIN])
    return tokenizer


def _settings(options: _Options, tokenizer: Tokenizer) -> dict[str, Any]:
    """config.json with the keys and the rope of deepseek-coder-6.7b-base (transformers 4 names)."""
    heads = options.hidden // _HEAD
    return {
        "architectures": ["LlamaForCausalLM"],
        "bos_token_id": tokenizer.token_to_id(BOS),
        "eos_token_id": tokenizer.token_to_id(EOS),
        "hidden_act": "silu",
        "hidden_size": options.hidden,
        "initializer_range": 0.02,
        "intermediate_size": options.hidden * 43 // 16,  # 11008 / 4096 of the 6.7B
        "max_position_embeddings": CONTEXT,
        "model_type": "llama",
        "num_attention_heads": heads,
        "num_hidden_layers": options.layers,
        "num_key_value_heads": heads,
        "pretraining_tp": 1,
        "rms_norm_eps": 1e-06,
        "rope_scaling": {"factor": 4.0, "type": "linear"},
        "rope_theta": 100000,
        "tie_word_embeddings": False,
        "torch_dtype": "bfloat16",
        "transformers_version": "4.33.1",
        "use_cache": True,
        "vocab_size": options.vocabulary,
    }


def _tokenizer_settings() -> dict[str, Any]:
    def mark(text: str) -> dict[str, Any]:
        flags = {"lstrip": False, "normalized": True, "rstrip": False, "single_word": False}
        return {"__type": "AddedToken", "content": text, **flags}

    return {
        "add_bos_token": True,
        "add_eos_token": False,
        "bos_token": mark(BOS),
        "clean_up_tokenization_spaces": False,
        "eos_token": mark(EOS),
        "legacy": True,
        "model_max_length": CONTEXT,
        "pad_token": mark(EOS),
        "sp_model_kwargs": {},
        "tokenizer_class": "LlamaTokenizerFast",
        "unk_token": None,
    }


def _model(settings: dict[str, Any], seed: int) -> LlamaForCausalLM:
    """Draw the weights without touching the process' random state."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LlamaForCausalLM(LlamaConfig(**settings)).bfloat16()


def _publish(partial: Path, folder: Path) -> None:
    """Move the finished folder into place of an earlier tiny model or an empty folder."""
    partial.chmod(0o755)
    if folder.exists():
        shutil.rmtree(folder)
    os.rename(partial, folder)
