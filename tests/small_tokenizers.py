"""Small tokenizers with the sentinels of the real families, trained on a few lines of Java."""

import json
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer

from fimsmith.family import FAMILIES, Family

DEEPSEEK, QWEN, STARCODER, LLAMA = FAMILIES
SENTINELS = [
    *sorted({text for each in FAMILIES for text in (each.begin, each.hole, each.end, each.stop, each.eos)}),
    "<｜begin▁of▁sentence｜>",
    "<pad>",
    "<|EOT|>",
    "<s>",
]
_LINES = [r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+"]
PATTERNS = {
    "lines": _LINES,
    "deepseek": [*_LINES, "[一-龥ࠀ-一가-퟿]+"],
    "qwen": [
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    ],
}
JAVA = """package com.example.shop;
import java.util.List;
/** Orders of a member. 会员的订单。 */
public final class Orders {
    private final List<Order> orders;
    // keeps the order of arrival
    public int total() {
        int sum = 0;
        for (Order order : orders) {
            sum += order.amount() * order.price();
        }
        return sum;
    }
}
"""


def build(folder: Path, family: Family = DEEPSEEK, style: str = "deepseek") -> Path:
    """Write folder/tokenizer.json and return the folder.

    Styles: deepseek, qwen, starcoder (those models' pre-tokenizers), lines (isolates line ends, otherwise unknown),
    gpt2 (merges across line ends), llama (SentencePiece-like: dummy space in front, byte fallback).
    """
    tokenizer = _llama() if style == "llama" else _byte_level(style)
    strings = {family.begin, family.hole, family.end, family.stop, family.eos, family.bos, *family.pad} - {None}
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in sorted(strings)])
    folder.mkdir(parents=True, exist_ok=True)
    plain = json.loads(tokenizer.to_str())
    plain["added_tokens"] = [token for token in plain["added_tokens"] if not token["content"].startswith("<0x")]
    (folder / "tokenizer.json").write_text(json.dumps(plain), encoding="utf-8")
    return folder


def _byte_level(style: str) -> Tokenizer:
    steps: list = [pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in PATTERNS.get(style, [])]
    if style in ("deepseek", "lines", "starcoder"):
        steps.append(pre_tokenizers.Digits(individual_digits=True))
    steps.append(pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=style in ("gpt2", "starcoder")))
    tokenizer = Tokenizer(BPE())
    if style == "qwen":
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        [JAVA] * 3, BpeTrainer(vocab_size=500, initial_alphabet=alphabet, show_progress=False)
    )
    return tokenizer


def _llama() -> Tokenizer:
    tokenizer = Tokenizer(BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    known = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = BpeTrainer(vocab_size=600, special_tokens=known, show_progress=False)
    tokenizer.train_from_iterator(JAVA.splitlines(), trainer)
    return tokenizer
