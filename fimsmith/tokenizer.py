"""Token ids of source text: exact, and never a control token whatever the text says.

Raw text that contains a sentinel's string would be encoded to the sentinel by the model's own
tokenizer, so source text goes through a copy of it that has no added tokens.

Where it is known that the tokenizer never merges across line ends (see pretokens), each distinct line
is encoded once, and a cut anywhere only needs the cut lines encoded again: the same ids, many times faster.
Ids are kept packed: as the bytes of little-endian numbers of `SourceTokenizer.dtype`.
"""

import json
import struct
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from fimsmith import family, packed, pretokens
from fimsmith.errors import ModelError

_LINES = 100_000  # remembered; twice as many take about 50 MB
_PIECES = 100_000  # remembered; twice as many take about 40 MB
_LONG = 1_000  # characters from which a line or piece is not remembered
_LONGEST = 6  # characters per token from which a line is taken not to fit, without encoding it


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
        self._pieces = _Recent(self._piece, _PIECES)
        self._lines = _Recent(self.packed, _LINES)

    @property
    def by_line(self) -> bool:
        """Whether each distinct line is encoded once."""
        return self.splits is not None

    def encode(self, text: str) -> list[int]:
        """Return the ids of text; no id is a control token."""
        return self.unpack(self.packed(text))

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids; control tokens are shown as their strings."""
        return self._whole.decode(list(ids), skip_special_tokens=False)

    def document(self, text: str) -> "Document":
        """Encode a whole file, ready to be cut anywhere."""
        if self.splits is None:
            return WholeDocument(self, text)
        return LineDocument(self, text, self.splits)

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


class LineDocument:
    """A file under a tokenizer that is known to split at line ends."""

    def __init__(self, tokenizer: SourceTokenizer, text: str, splits: pretokens.Splits):
        self.text, self._tokenizer, self._lead = text, tokenizer, splits.lead
        lines = splits.lines.findall(text)
        parts = tokenizer.lines(lines)
        self._ids, self.width = b"".join(parts), tokenizer.dtype.itemsize
        # where each line starts, and the end: in bytes of _ids, and in characters
        self._bytes = [0, *accumulate(map(len, parts))]
        self._starts = [0, *accumulate(map(len, lines))]

    def cut(self, start: int, end: int) -> bytes:
        """Return the packed ids of text[start:end] (characters)."""
        first, last = self._row(start), self._row(end)
        if first == last:
            return self._tokenizer.packed(self.text[start:end])
        tail = self._tokenizer.packed(self.text[self._starts[last] : end])
        return self._head(first, start) + self._ids[self._bytes[first + 1] : self._bytes[last]] + tail

    def before(self, position: int, room: int) -> tuple[bytes, int]:
        """Return the packed form of at most `room` ids that end at a position, and the character they start at.

        That is the start of a line, unless the line before the position does not fit.
        """
        row, space = self._row(position), room * self.width
        start = self._starts[row]
        tail = self._tokenizer.packed(self.text[start:position]) if position - start <= _LONGEST * room else None
        if tail is not None and len(tail) <= space:
            here = self._bytes[row]
            first = bisect_left(self._bytes, here + len(tail) - space, 0, row)
            if not (first and self._lead) and (tail or first < row):
                return self._ids[self._bytes[first] : here] + tail, self._starts[first]
            for line in range(first, row + (position > start)):  # without the line feed a line may need more
                ids = self.cut(self._starts[line] + self._lead, position)
                if len(ids) <= space:
                    return ids, self._starts[line] + self._lead
        return _shrink(self._tokenizer, self.text, (position, room), back=True)

    def after(self, position: int, room: int) -> tuple[bytes, int]:
        """Return the packed form of at most `room` ids that begin at a position, and the character they end at.

        That is the end of a line, unless the line after the position does not fit.
        """
        if position == len(self.text):
            return b"", position
        row, space = self._row(position), room * self.width
        head = self._head(row, position) if self._starts[row + 1] - position <= _LONGEST * room else None
        if head is not None:
            here, rows = self._bytes[row + 1], len(self._starts) - 1
            if len(head) + len(self._ids) - here <= space:
                return head + self._ids[here:], len(self.text)
            lead = self._tokenizer.packed("\n" * self._lead)
            last = bisect_right(self._bytes, here + space - len(head) - len(lead), row + 1, rows) - 1
            if last > row:
                return head + self._ids[here : self._bytes[last]] + lead, self._starts[last] + self._lead
        return _shrink(self._tokenizer, self.text, (position, room), back=False)

    def __len__(self) -> int:
        return len(self._ids) // self.width

    def _row(self, position: int) -> int:
        return bisect_right(self._starts, position) - 1

    def _head(self, row: int, start: int) -> bytes:
        """The packed ids from a character to the end of its line."""
        if start == self._starts[row]:
            return self._ids[self._bytes[row] : self._bytes[row + 1]]
        return self._tokenizer.packed(self.text[start : self._starts[row + 1]])


class WholeDocument:
    """A file under any other tokenizer: every piece is encoded by itself."""

    def __init__(self, tokenizer: SourceTokenizer, text: str):
        self.text, self._tokenizer, self.width = text, tokenizer, tokenizer.dtype.itemsize
        self._tokens = tokenizer.starts(text)  # only to guess how much text fits into a room

    def cut(self, start: int, end: int) -> bytes:
        """Return the packed ids of text[start:end] (characters)."""
        return self._tokenizer.packed(self.text[start:end])

    def before(self, position: int, room: int) -> tuple[bytes, int]:
        """Return the packed form of at most `room` ids that end at a position, and the character they start at."""
        first = bisect_left(self._tokens, position) - room
        while True:
            newline = -1
            if first > 0:
                newline = self.text.find("\n", max(self._character(first) - 1, 0), position)
                if newline < 0:
                    return _shrink(self._tokenizer, self.text, (position, room), back=True)
            ids = self.cut(newline + 1, position)
            over = len(ids) // self.width - room
            if over <= 0:
                return ids, newline + 1
            first = max(first, 0) + over

    def after(self, position: int, room: int) -> tuple[bytes, int]:
        """Return the packed form of at most `room` ids that begin at a position, and the character they end at."""
        last = bisect_left(self._tokens, position) + room
        while True:
            end = len(self.text)
            if last < len(self._tokens):
                end = self.text.rfind("\n", position, self._character(last)) + 1
                if end <= position:
                    return _shrink(self._tokenizer, self.text, (position, room), back=False)
            ids = self.cut(position, end)
            over = len(ids) // self.width - room
            if over <= 0:
                return ids, end
            last = min(last, len(self._tokens)) - over

    def __len__(self) -> int:
        return len(self._tokens)

    def _character(self, token: int) -> int:
        return self._tokens[token] if 0 <= token < len(self._tokens) else len(self.text) * (token > 0)


Document = LineDocument | WholeDocument


def _shrink(tokenizer: SourceTokenizer, text: str, limit: tuple[int, int], back: bool) -> tuple[bytes, int]:
    """Take about as many characters on one side of a position as fit into a room; for lines longer than the room.

    The first few tell how many tokens characters have here: encoding many more than fit would cost more than all else.
    """
    position, room = limit
    most, space = position if back else len(text) - position, room * tokenizer.dtype.itemsize
    length, guessed = min(room, most), False
    while length > 0:
        edge = position - length if back else position + length
        ids = tokenizer.packed(text[edge:position] if back else text[position:edge])
        fitting = min(most, length * space * 19 // (20 * max(1, len(ids))))  # 19 of 20: not all is like the first
        if len(ids) <= space and (guessed or fitting <= length):
            return ids, edge
        length, guessed = fitting, True
    return b"", position


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
