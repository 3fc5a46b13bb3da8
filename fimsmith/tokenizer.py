"""Token ids of source text: exact, and never a control token whatever the text says.

Raw text that contains a sentinel's string would be encoded to the sentinel by the model's own
tokenizer, so source text goes through a copy of it that has no added tokens.

Where it is known how the tokenizer splits text (see pretokens), each distinct piece or line is encoded once, and a
cut anywhere only needs the cut lines encoded again: the same ids, many times faster.
Ids are kept packed: as the bytes of little-endian numbers of `SourceTokenizer.dtype`.
"""

import json
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from fimsmith import family, packed, pretokens
from fimsmith.errors import ModelError
from fimsmith.pieces import PieceTable

_REMEMBERED = 100_000  # lines, and as many pieces; twice as many of both take about 90 MB, of code
_LONG = 250  # characters from which a line or piece is not remembered


class SourceTokenizer:
    """Encode source text for one model; `format` holds the model's sentinels."""

    def __init__(self, folder: str | Path, wanted: str = "auto"):
        path = Path(folder) / "tokenizer.json"
        try:
            text = path.read_text(encoding="utf-8")
            whole = _unlimited(Tokenizer.from_str(text))
        except Exception as error:  # the Rust side raises bare Exception
            raise ModelError(
                f"cannot read {path}: {error}; model.path must name a folder with a fast tokenizer (tokenizer.json)"
            ) from error
        self.format = family.detect(whole, wanted)
        self.size = whole.get_vocab_size()
        self.dtype = packed.dtype(self.size)
        plain = json.loads(text)
        form = self.format
        # what comes before the prefix, the suffix and the middle of Format.prompt
        self.marks = (self.pack([*form.start, form.begin]), self.pack([form.hole]), self.pack([form.end]))
        self._control = {token["id"] for token in plain["added_tokens"]}
        bare = _without_control(plain)
        self._plain = _unlimited(Tokenizer.from_str(json.dumps(bare)))
        self._model = self._plain.model
        self._whole = whole
        self.splits = pretokens.splits(bare)
        self._split = None if self.splits is None or self.splits.pieces is None else self.splits.pieces.findall
        self._pieces = _Recent(self._piece, _REMEMBERED)
        borders = self.splits.borders if self.splits else None
        # most pieces of a cut line are known from its file
        self.table = PieceTable(self._pieces.__getitem__, self.dtype, borders) if borders else None
        self._lines = _Recent(self.packed, _REMEMBERED)

    @property
    def by_line(self) -> bool:
        """Whether it is known that the tokenizer splits at line ends."""
        return self.splits is not None

    def encode(self, text: str) -> list[int]:
        """Return the ids of text; no id is a control token."""
        return self.unpack(self.packed(text))

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids; control tokens are shown as their strings."""
        return self._whole.decode(list(ids), skip_special_tokens=False)

    def packed(self, text: str) -> bytes:
        """Return the packed ids of text."""
        if self._split is not None and text.isascii():
            return b"".join(map(self._pieces.__getitem__, self._split(text)))
        return self.pack(self._checked(self._plain.encode(text, add_special_tokens=False).ids))

    def joined(self, text: str) -> bytes:
        """Return the packed ids of text whose lines, but the last, are mostly known."""
        if self.splits is None:
            return self.packed(text)
        *lines, last = self.splits.lines.findall(text) or [""]
        return b"".join(self.lines(lines)) + self.packed(last)

    def lines(self, lines: list[str]) -> list[bytes]:
        """Return the packed ids of each line, remembering them."""
        return list(map(self._lines.__getitem__, lines))

    def pack(self, ids: Sequence[int]) -> bytes:
        """Return ids as bytes."""
        return struct.pack(f"<{len(ids)}{self.dtype.char}", *ids)

    def unpack(self, ids: bytes) -> list[int]:
        """Return packed ids as a list."""
        return np.frombuffer(ids, self.dtype).tolist()

    def starts(self, text: str) -> list[int]:
        """Return the character at which each token of a text starts."""
        return [start for start, _ in self._plain.encode(text, add_special_tokens=False).offsets]

    def _piece(self, text: str) -> bytes:
        """The packed ids of one ASCII pre-token, without looking for splits in it again."""
        return self.pack(
            self._checked([token.id for token in self._model.tokenize(text.translate(pretokens.BYTE_LEVEL))])
        )

    def _checked(self, ids: list[int]) -> list[int]:
        if not self._control.isdisjoint(ids):
            raise ModelError(
                "the tokenizer turned source text into a control token; its vocabulary reaches the sentinels without added tokens"
            )
        return ids


class _Recent(dict[str, bytes]):
    """What was made of the texts asked for last: at least `least` of them, at most twice as many."""

    def __init__(self, make: Callable[[str], bytes], least: int):
        super().__init__()
        self._make, self._least = make, least
        self._older: dict[str, bytes] = {}

    def __missing__(self, text: str) -> bytes:
        made = self._older.get(text)
        if made is None:
            made = self._make(text)
        if len(text) < _LONG:
            if len(self) >= self._least:
                self._older = dict(self)
                self.clear()
            self[text] = made
        return made


def _unlimited(tokenizer: Tokenizer) -> Tokenizer:
    """Let a tokenizer neither cut nor fill; a tokenizer.json may hold the lengths of its last use."""
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _without_control(plain: dict) -> dict:
    """A tokenizer.json that knows no added tokens and adds nothing of its own (dummy space, BOS)."""
    bare = {**plain, "added_tokens": [], "post_processor": None}
    bare["normalizer"] = _normalizer(plain.get("normalizer"))
    if (bare.get("pre_tokenizer") or {}).get("type") == "Metaspace":
        bare["pre_tokenizer"] = {**bare["pre_tokenizer"], "prepend_scheme": "never"}
    return bare


def _normalizer(stated: dict | None) -> dict | None:
    """A normalizer that adds nothing; None where it does nothing, as the empty sequence of DeepSeek's models."""
    steps = stated["normalizers"] if stated and stated["type"] == "Sequence" else [stated]
    left = [step for step in steps if step and step["type"] != "Prepend"]
    return {**stated, "normalizers": left} if stated and len(left) > 1 else next(iter(left), None)
