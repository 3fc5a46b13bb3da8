"""Where the pre-tokenizers of the known families split text: between two splits BPE never merges.

So a text's ids are those of its lines one after the other, and a line's ids those of its pieces.
The patterns are those of the families' tokenizer.json; of any other pre-tokenizer nothing is assumed.
"""

import re
import string
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

# What ByteLevel shows the bytes of ASCII text as
BYTE_LEVEL = {byte: 256 + byte for byte in range(33)} | {127: 289}

_Step = tuple[str | bool, ...]


class Borders:
    """Where the pieces of ASCII text start, for a pattern that looks at no more than the characters on both sides.

    `alike` are the sets of characters that the pattern does not tell apart; those in none of them are one more.
    """

    def __init__(self, pieces: re.Pattern[str], alike: Sequence[str]):
        known = "".join(alike)
        sets = [*alike, "".join(character for character in map(chr, range(128)) if character not in known)]
        kinds = {character: kind for kind, each in enumerate(sets) for character in each}
        self._kinds = bytes(kinds.get(chr(byte), 0) for byte in range(256))
        self._count = len(sets)
        starts = bytearray(256)
        for number, around in enumerate(product(sets, repeat=3)):
            text = "".join(each[0] for each in around)
            starts[number] = any(match.start() == 1 for match in pieces.finditer(text))
        self._starts = bytes(starts)

    def starts(self, data: bytes) -> np.ndarray:
        """Return the bytes at which pieces start; the ends of a text are like line feeds."""
        kinds = np.frombuffer((b"\n" + data + b"\n").translate(self._kinds), np.uint8)
        around = (kinds[:-2] * np.uint8(self._count) + kinds[1:-1]) * np.uint8(self._count) + kinds[2:]
        return np.flatnonzero(np.frombuffer(around.tobytes().translate(self._starts), np.bool_))


@dataclass(frozen=True, slots=True)
class Splits:
    """How one pre-tokenizer splits.

    The matches of `lines` make up a text. There is always a split between two of them, however much of
    the first one's beginning and of the second one's end is missing. With `lead` 1 a line begins with
    the line feed before it. `pieces` finds the pre-tokens of ASCII text, and `borders` does for much of it at once;
    None: they are not known.
    """

    lines: re.Pattern[str]
    pieces: re.Pattern[str] | None
    lead: int = 0
    borders: Borders | None = None


# DeepSeek-Coder sets line ends apart first. Then a letter or a mark takes one white space before it.
_LINE = re.compile(r"[^\n]*+\n|[^\n]++")
_PUNCTUATION = "!\"#%&'()*,-./:;?@[\\]_{}"  # ASCII characters of Unicode category P
_MARKS = re.escape(_PUNCTUATION)
_DEEPSEEK_PIECES = re.compile(
    rf"[A-Za-z]++|[{_MARKS}]++|[ \t\v\f][A-Za-z]++|[ \t\v\f][{_MARKS}]++|[0-9\r\n]"
    rf"|[^\r\nA-Za-z0-9{_MARKS}]+(?:(?<!\s)|(?![A-Za-z{_MARKS}]))",
    re.ASCII,
)
_DEEPSEEK = Splits(
    _LINE,
    _DEEPSEEK_PIECES,
    borders=Borders(_DEEPSEEK_PIECES, (" \t\v\f", string.ascii_letters, _PUNCTUATION, string.digits + "\r\n")),
)

# Qwen2.5-Coder takes all white space up to the last of several line ends together.
_QWEN_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_QWEN = Splits(
    re.compile(r"[^\r\n]*+[\r\n](?:\s*[\r\n])?|[^\r\n]++"),
    re.compile(
        r"'(?i:s|t|re|ve|m|ll|d)|[^\r\nA-Za-z0-9]?[A-Za-z]++|[0-9]| ?[^\sA-Za-z0-9]++[\r\n]*+|\s*[\r\n]+|\s+(?!\S)|\s+",
        re.ASCII,
    ),
)

# StarCoder2 is GPT-2 after single digits: line ends go with the indentation that follows them,
# but what is visible never takes the white space after it.
_STARCODER = Splits(
    re.compile(r"(?!\Z)\n?(?:[^\n]*+(?<=\s)\n)*+[^\n]*+"),
    re.compile(
        r"'(?:s|t|re|ve|m|ll|d)| ?[A-Za-z]++|[0-9]| ?[^\sA-Za-z0-9]++|\s+(?![^\s0-9])|\s+",
        re.ASCII,
    ),
    lead=1,
)

_BYTES = ("ByteLevel", False, False)
_KNOWN: dict[tuple[_Step, ...], Splits] = {
    (
        ("Split", r"[\r\n]", "Isolated", False),
        ("Split", r"\s?\p{L}+", "Isolated", False),
        ("Split", r"\s?\p{P}+", "Isolated", False),
        ("Split", "[一-龥ࠀ-一가-퟿]+", "Isolated", False),
        ("Digits", True),
        _BYTES,
    ): _DEEPSEEK,
    (("Split", _QWEN_PATTERN, "Isolated", False), _BYTES): _QWEN,
    (("Digits", True), ("ByteLevel", False, True)): _STARCODER,
}
_SETS_LINES_APART = [("Split", pattern, "Isolated", False) for pattern in (r"[\r\n]", r"\n")]


def splits(plain: dict) -> Splits | None:
    """Return how the pre-tokenizer of a tokenizer.json splits; None: it is not known to split anywhere."""
    steps = tuple(map(_step, (plain.get("pre_tokenizer") or {}).get("pretokenizers", [])))
    normalizer = plain.get("normalizer")
    if plain["model"]["type"] != "BPE" or not steps:
        return None
    found = _KNOWN.get(steps)
    if normalizer:  # NFC leaves ASCII and line ends as they are
        return found if found is _QWEN and normalizer["type"] == "NFC" else None
    if (
        found is None
        and steps[0] in _SETS_LINES_APART
        and {step[0] for step in steps} <= {"Split", "Digits", "ByteLevel"}
    ):
        return Splits(_LINE, None)  # other kinds of steps look at where a piece lies
    return found


def _step(step: dict) -> _Step:
    """What matters of one step."""
    match step["type"]:
        case "Split":
            pattern = step["pattern"].get("Regex") or step["pattern"].get("String", "")
            return "Split", pattern.replace("\r", r"\r").replace("\n", r"\n"), step["behavior"], step["invert"]
        case "Digits":
            return "Digits", step["individual_digits"]
        case "ByteLevel":
            return "ByteLevel", step["add_prefix_space"], step["use_regex"]
    return (step["type"],)
