"""Token ids of source text: exact, and never a control token whatever the text says.

Raw text that contains a sentinel's string would be encoded to the sentinel by the model's own
tokenizer, so source text goes through a copy of it that has no added tokens.

Tokenizers that isolate line ends first (DeepSeek-Coder) never merge across lines. Then each
distinct line is encoded once, and a cut anywhere only needs the cut lines encoded again.
For DeepSeek-Coder's own pre-tokenizer, ASCII text is split here and each distinct piece is
encoded once: the same ids, several times faster.
"""

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate, chain
from pathlib import Path

from tokenizers import Tokenizer

from fimsmith import family
from fimsmith.errors import ModelError

_CACHED_LINES = 500_000  # about 150 MB
_CACHED_PIECES = 500_000  # about 100 MB
_LONGEST = 16  # characters per token from which a line is taken not to fit, without encoding it

# DeepSeek-Coder's pre-tokenizer: the patterns of its steps in order, and what they do to ASCII text.
# Its fourth step only concerns CJK letters.
_STEPS = [r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+"]
_MARKS = r"!\"#%&'()*,\-./:;?@\[\\\]_{}"  # ASCII characters of Unicode category P
_PIECES = re.compile(
    rf"[\r\n]|\s?[A-Za-z]+|\s?[{_MARKS}]+|[0-9]|(?:(?!\s?[A-Za-z{_MARKS}])[^\r\nA-Za-z0-9{_MARKS}])+|\s", re.ASCII
)


class SourceTokenizer:
    """Encode source text for one model; `format` holds the model's sentinels."""

    def __init__(self, folder: str | Path, wanted: str = "auto"):
        path = Path(folder) / "tokenizer.json"
        try:
            text = path.read_text(encoding="utf-8")
            whole = Tokenizer.from_str(text)
        except Exception as error:  # the Rust side raises bare Exception
            raise ModelError(
                f"cannot read {path}: {error}; model.path must name a folder with a fast tokenizer (tokenizer.json)"
            ) from error
        self.format = family.detect(whole, wanted)
        self.size = whole.get_vocab_size()
        plain = json.loads(text)
        self._control = {token["id"] for token in plain["added_tokens"]}
        self.by_line = _isolates_lines(plain)
        self._plain = Tokenizer.from_str(json.dumps(_without_control(plain)))
        self._whole = whole
        self._lines: dict[str, list[int]] = {}
        self._pieces = _Pieces(self._encode) if _splits_like_deepseek(plain) else None

    def encode(self, text: str) -> list[int]:
        """Return the ids of text; no id is a control token."""
        if self._pieces is not None and text.isascii():
            return self._pieces.encode(text)
        return self._encode(text)

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids; control tokens are shown as their strings."""
        return self._whole.decode(list(ids), skip_special_tokens=False)

    def document(self, text: str) -> "Document":
        """Encode a whole file, ready to be cut anywhere."""
        return LineDocument(self, text) if self.by_line else WholeDocument(self, text)

    def encode_lines(self, lines: list[str]) -> list[list[int]]:
        """Return the ids of each line (without its line end), remembering them."""
        cache = self._lines
        if len(cache) > _CACHED_LINES:
            cache.clear()
        new = [line for line in dict.fromkeys(lines) if line not in cache]
        if self._pieces is not None:
            cache.update((line, self._pieces.encode(line)) for line in new if line.isascii())
            new = [line for line in new if line not in cache]
        for line, encoding in zip(new, self._plain.encode_batch_fast(new, add_special_tokens=False), strict=True):
            cache[line] = self._checked(encoding.ids)
        return [cache[line] for line in lines]

    def starts(self, text: str) -> list[int]:
        """Return the character at which each token of a text starts."""
        return [start for start, _ in self._plain.encode(text, add_special_tokens=False).offsets]

    def _encode(self, text: str) -> list[int]:
        return self._checked(self._plain.encode(text, add_special_tokens=False).ids)

    def _checked(self, ids: list[int]) -> list[int]:
        if not self._control.isdisjoint(ids):
            raise ModelError(
                "the tokenizer turned source text into a control token; its vocabulary reaches the sentinels without added tokens"
            )
        return ids


class _Pieces(dict[str, list[int]]):
    """The ids of every pre-token seen: between them nothing is ever merged."""

    def __init__(self, encode: Callable[[str], list[int]]):
        super().__init__()
        self._encode = encode

    def __missing__(self, piece: str) -> list[int]:
        ids = self[piece] = self._encode(piece)
        return ids

    def encode(self, text: str) -> list[int]:
        """Return the ids of ASCII text."""
        if len(self) > _CACHED_PIECES:
            self.clear()
        return list(chain.from_iterable(map(self.__getitem__, _PIECES.findall(text))))


class LineDocument:
    """A file under a tokenizer that never merges across line ends."""

    def __init__(self, tokenizer: SourceTokenizer, text: str):
        self.text, self._tokenizer = text, tokenizer
        lines = text.split("\n")
        newline = tokenizer.encode_lines(["\n"])[0]
        self._ids: list[int] = []
        self._tokens = [0]  # index in _ids at which each line starts, and the end
        for ids in tokenizer.encode_lines(lines):
            self._ids += ids
            self._ids += newline
            self._tokens.append(len(self._ids))
        del self._ids[len(self._ids) - len(newline) :]
        self._tokens[-1] = len(self._ids)
        self._starts = [0, *accumulate(len(line) + 1 for line in lines[:-1])]  # in characters

    def cut(self, start: int, end: int) -> list[int]:
        """Return the ids of text[start:end] (characters)."""
        first, last = self._row(start), self._row(end)
        if first == last:
            return self._tokenizer.encode(self.text[start:end])
        whole = self._ids[self._tokens[first + 1] : self._tokens[last]]
        return self._head(first, start) + whole + self._tokenizer.encode(self.text[self._starts[last] : end])

    def before(self, position: int, room: int) -> tuple[list[int], int]:
        """Return at most `room` ids that end at a position, and the character they start at (a line's start)."""
        row = self._row(position)
        start = self._starts[row]
        ids = self._tokenizer.encode(self.text[start:position]) if position - start <= _LONGEST * room else None
        if ids is None or len(ids) > room:
            return _shrink(self._tokenizer, self.text, (position, room), back=True)
        here = self._tokens[row]
        taken = bisect_left(self._tokens, here + len(ids) - room, 0, row)
        return self._ids[self._tokens[taken] : here] + ids, self._starts[taken]

    def after(self, position: int, room: int) -> tuple[list[int], int]:
        """Return at most `room` ids that begin at a position, and the character they end at (a line's end)."""
        row = self._row(position)
        end = self._starts[row + 1] if row + 1 < len(self._starts) else len(self.text)
        ids = self._head(row, position) if end - position <= _LONGEST * room else None
        if ids is None or len(ids) > room:
            return _shrink(self._tokenizer, self.text, (position, room), back=False)
        here = self._tokens[row + 1]
        taken = bisect_right(self._tokens, here + room - len(ids), row + 1) - 1
        end = self._starts[taken] if taken < len(self._starts) else len(self.text)
        return ids + self._ids[here : self._tokens[taken]], end

    def __len__(self) -> int:
        return len(self._ids)

    def _row(self, position: int) -> int:
        return bisect_right(self._starts, position) - 1

    def _head(self, row: int, start: int) -> list[int]:
        """The ids from a character to the end of its line, line end included."""
        if start == self._starts[row]:
            return self._ids[self._tokens[row] : self._tokens[row + 1]]
        end = self._starts[row + 1] if row + 1 < len(self._starts) else len(self.text)
        return self._tokenizer.encode(self.text[start:end])


class WholeDocument:
    """A file under any other tokenizer: every piece is encoded by itself."""

    def __init__(self, tokenizer: SourceTokenizer, text: str):
        self.text, self._tokenizer = text, tokenizer
        self._tokens = tokenizer.starts(text)  # only to guess how much text fits into a room

    def cut(self, start: int, end: int) -> list[int]:
        """Return the ids of text[start:end] (characters)."""
        return self._tokenizer.encode(self.text[start:end])

    def before(self, position: int, room: int) -> tuple[list[int], int]:
        """Return at most `room` ids that end at a position, and the character they start at (a line's start where possible)."""
        first = bisect_left(self._tokens, position) - room
        while True:
            newline = -1
            if first > 0:
                newline = self.text.find("\n", max(self._character(first) - 1, 0), position)
                if newline < 0:
                    return _shrink(self._tokenizer, self.text, (position, room), back=True)
            ids = self.cut(newline + 1, position)
            if len(ids) <= room:
                return ids, newline + 1
            first = max(first, 0) + len(ids) - room

    def after(self, position: int, room: int) -> tuple[list[int], int]:
        """Return at most `room` ids that begin at a position, and the character they end at (a line's end where possible)."""
        last = bisect_left(self._tokens, position) + room
        while True:
            end = len(self.text)
            if last < len(self._tokens):
                end = self.text.rfind("\n", position, self._character(last)) + 1
                if end <= position:
                    return _shrink(self._tokenizer, self.text, (position, room), back=False)
            ids = self.cut(position, end)
            if len(ids) <= room:
                return ids, end
            last = min(last, len(self._tokens)) - (len(ids) - room)

    def __len__(self) -> int:
        return len(self._tokens)

    def _character(self, token: int) -> int:
        return self._tokens[token] if 0 <= token < len(self._tokens) else len(self.text) * (token > 0)


Document = LineDocument | WholeDocument


def _shrink(tokenizer: SourceTokenizer, text: str, limit: tuple[int, int], back: bool) -> tuple[list[int], int]:
    """Take as many characters on one side of a position as fit into a room; for lines longer than the room."""
    position, room = limit
    length = min(4 * room, position if back else len(text) - position)
    while length > 0:
        edge = position - length if back else position + length
        ids = tokenizer.encode(text[edge:position] if back else text[position:edge])
        if len(ids) <= room:
            return ids, edge
        length //= 2
    return [], position


def _isolates_lines(plain: dict) -> bool:
    """Whether the first thing the pre-tokenizer does is to set line ends apart, so that no token crosses one."""
    if plain.get("normalizer") or plain["model"]["type"] != "BPE":
        return False
    steps = (plain.get("pre_tokenizer") or {}).get("pretokenizers", [])
    first = steps[0] if steps else {}
    return (
        first.get("type") == "Split"
        and first.get("behavior") == "Isolated"
        and first["pattern"].get("Regex") in (r"[\r\n]", "[\r\n]", r"\n", "\n")
        and all(step["type"] in ("Split", "Digits", "ByteLevel") for step in steps)  # others look at where a piece lies
    )


def _splits_like_deepseek(plain: dict) -> bool:
    """Whether `_PIECES` splits ASCII text as the pre-tokenizer does."""
    steps = (plain.get("pre_tokenizer") or {}).get("pretokenizers", [])
    kinds = [step["type"] for step in steps]
    if not _isolates_lines(plain) or kinds != ["Split"] * 4 + ["Digits", "ByteLevel"]:
        return False
    patterns = [step["pattern"].get("Regex", "") for step in steps[:4]]
    return (
        [patterns[0].replace("\r", r"\r").replace("\n", r"\n"), *patterns[1:3]] == _STEPS
        and patterns[3].startswith("[一-龥")
        and all(step["behavior"] == "Isolated" and not step["invert"] for step in steps[:4])
        and steps[4]["individual_digits"]
        and not (steps[5]["add_prefix_space"] or steps[5]["use_regex"])
    )


def _without_control(plain: dict) -> dict:
    """A tokenizer.json that knows no added tokens and adds nothing of its own (dummy space, BOS)."""
    bare = {**plain, "added_tokens": [], "post_processor": None}
    steps = bare.get("normalizer") or {}
    if steps.get("type") == "Prepend":
        bare["normalizer"] = None
    elif steps.get("type") == "Sequence":
        bare["normalizer"] = {
            **steps,
            "normalizers": [step for step in steps["normalizers"] if step["type"] != "Prepend"],
        }
    if (bare.get("pre_tokenizer") or {}).get("type") == "Metaspace":
        bare["pre_tokenizer"] = {**bare["pre_tokenizer"], "prepend_scheme": "never"}
    return bare
