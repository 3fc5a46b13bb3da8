"""Fuzz the tokenizer's fast path: its ids are those of the model's own tokenizer, for the pre-tokenizers it knows.

python fuzz/tokenizer.py -max_total_time=60
"""

import json
import tempfile
from pathlib import Path

import atheris
import seeds
from small_tokenizers import DEEPSEEK, QWEN, STARCODER, build
from tokenizers import Tokenizer

with atheris.instrument_imports(include=["fimsmith"]):
    from fimsmith.documents import encoded
    from fimsmith.tokenizer import SourceTokenizer


def _own(folder: Path) -> tuple[SourceTokenizer, Tokenizer]:
    """Ours, and the model's as it would be if no text stood for a control token."""
    plain = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    return SourceTokenizer(folder), Tokenizer.from_str(json.dumps({**plain, "added_tokens": []}))


with tempfile.TemporaryDirectory() as home:
    STYLES = {"deepseek": DEEPSEEK, "qwen": QWEN, "starcoder": STARCODER}
    PAIRS = [_own(build(Path(home, style), family, style)) for style, family in STYLES.items()]


def one(data: bytes) -> None:
    """Compare on one text; its first three bytes choose where it is cut and how many tokens there is room for."""
    text = data[3:].decode("utf-8", "replace")
    first, last = sorted(byte * len(text) // 255 for byte in data[:2].ljust(2, b"\0"))
    room = data[2] if len(data) > 2 else 0
    for ours, own in PAIRS:
        assert ours.by_line
        document = encoded(ours, [text])[0]
        before, start = document.before(last, room)
        after, end = document.after(first, room)
        found = {
            (0, len(text)): document.cut(0, len(text)),
            (first, last): document.cut(first, last),
            (start, last): before,
            (first, end): after,
        }
        for (begin, stop), packed in [*found.items(), ((0, len(text)), ours.joined(text))]:
            assert ours.unpack(packed) == own.encode(text[begin:stop], add_special_tokens=False).ids
        assert max(len(before), len(after)) <= room * ours.dtype.itemsize


if __name__ == "__main__":
    seeds.fuzz(one, (bytes([at * 37 % 256, 200, 90]) + source for at, source in enumerate(seeds.SHOP)), size=400)
