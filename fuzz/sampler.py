"""Fuzz decoding, redaction, parsing and sampling: whatever bytes a Java file has, its samples are exact.

python fuzz/sampler.py -max_total_time=60
"""

import tempfile
from pathlib import Path
from typing import Any

import atheris
import seeds
from small_tokenizers import DEEPSEEK, QWEN, STARCODER, build
from tokenizers import Tokenizer

with atheris.instrument_imports(include=["fimsmith"]):
    from test_samples import check

    from fimsmith import config, java
    from fimsmith.corpus.examine import examine
    from fimsmith.corpus.tree import Entry
    from fimsmith.fim import samples
    from fimsmith.tokenizer import SourceTokenizer

INGEST = config.Ingest(
    min_bytes=0, max_line=10**9, mean_line=1e9, min_alphanumeric=0, keep_generated=True, keep_boilerplate=1
)
SOURCE = config.Source(name="shop", location="shop")
SHARES = {"node": 0.2, "aligned": 0.2, "line": 0.2, "char": 0.1, "commit": 0.1, "document": 0.1, "prefix": 0.1}
CUTS = {"exact": 0.4, "snap": 0.3, "line": 0.3}
WHOLE, SHORT = (
    config.Fim.model_validate(
        {"sequence": sequence, "max_middle": middle, "shares": SHARES, "cuts": CUTS, "bytes_per_hole": 200, "epochs": 1}
    )
    for sequence, middle in ((100_000, 4_000), (128, 40))
)


class Own:
    """A model's own tokenizer, behind the methods of ours that the check uses."""

    def __init__(self, folder: Path):
        self.ours = SourceTokenizer(folder)
        self.format, self.decode, self.unpack = self.ours.format, self.ours.decode, self.ours.unpack
        self._whole = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._control = [token.content for token in self._whole.get_added_tokens_decoder().values()]

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text; of one with a control token's string those that ours gives."""
        if any(control in text for control in self._control):
            return self.ours.encode(text)
        return self._whole.encode(text, add_special_tokens=False).ids


with tempfile.TemporaryDirectory() as home:
    STYLES = {"deepseek": DEEPSEEK, "starcoder": STARCODER, "gpt2": QWEN}  # the last one works by file, not by line
    OWN = [Own(build(Path(home, style), family, style)) for style, family in STYLES.items()]


def one(data: bytes) -> None:
    """Sample one file; its first byte chooses tokenizer, length and split."""
    choice, content = (data or b"\0")[0], data[1:]
    entry = Entry("A.java", "shop", "A.java", content, hunks=((1, 4), (6, 7), (9, 30)))
    (row,) = examine(INGEST, SOURCE, [entry])
    if isinstance(row, tuple):
        return
    own, section = OWN[choice % len(OWN)], SHORT if choice & 64 else WHOLE
    row["split"] = "test" if choice & 128 else "train"
    made = samples.make(section, own.ours, [row])
    errors = java.errors(java.parse(row["text"].encode()))
    for sample in made.samples.to_pylist():
        sample["ids"] = own.unpack(sample["ids"])
        check(own, row["text"], sample, section.sequence)
        assert sample["policy"] == "document" or _apart(sample, errors)
    for candidate in made.candidates:
        _check_candidate(own, row["text"], candidate, section)
        assert _apart(candidate, errors)


def _apart(span: dict[str, Any], errors: list[tuple[int, int]]) -> bool:
    return not any(span["start"] < end and start < span["end"] for start, end in errors)


def _check_candidate(own: Own, text: str, row: dict[str, Any], section: config.Fim) -> None:
    parts = row["prefix"] + row["middle"] + row["suffix"]
    assert parts == text if section is WHOLE else parts in text
    assert text.encode()[row["start"] : row["end"]].decode() == row["middle"]
    assert row["prompt"].tolist() == own.format.prompt(own.encode(row["prefix"]), own.encode(row["suffix"]))
    assert row["target"].tolist() == [*own.encode(row["middle"]), own.format.stop]


if __name__ == "__main__":
    seeds.fuzz(one, (bytes([at * 37 % 256]) + source for at, source in enumerate(seeds.SHOP)))
