"""Build the samples of one shard of the curated files.

    fimsmith fim config.yaml

Files are worked on by several processes in batches, and written in the order in which they come:
the bytes of the result do not depend on how many processes there were, and memory not on how many files.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from fimsmith import config, manifest, pool, records
from fimsmith.errors import DataError
from fimsmith.fim import examples, samples
from fimsmith.fim.context import Signatures
from fimsmith.fim.similar import Snippets
from fimsmith.manifest import Manifest, Outcome
from fimsmith.progress import Progress, say
from fimsmith.tokenizer import SourceTokenizer

_CODE = 5  # to be raised when this code gives other samples, so that older ones are not taken for them
_SMALL = 4_000_000  # bytes of source up to which starting processes costs more than it saves
_BATCH = 500_000  # bytes of source that a worker gets at once
_COLUMNS = ["id", "source", "group", "repository", "path", "kind", "bytes", "text", "hunks", "split"]


def build(section: config.Fim, shard: int, curated: Manifest, model: Manifest, root: str) -> Manifest:
    """Make `samples.parquet` (records.SAMPLES) and `test.parquet` (records.TEST) of one shard.

    `test.parquet` holds the section.test_samples candidates with the smallest priorities of this shard.
    """
    key = [_CODE, section, shard, model.details["tokenizer"], model.details["format"]]

    def write(folder: Path) -> Outcome:
        source = curated.file(f"files-{shard:05d}.parquet")
        if not source.is_file():
            raise DataError(
                f"shard {shard} of the curated files is missing: {source}; delete {curated.uri} and run again"
            )
        tokenizer = str(model.file("tokenizer.json").parent)
        make = _Make(section, tokenizer, model.details["family"], *_others(section, curated))
        return _Shard(make, source).write(folder)

    return manifest.produce("fim", key, [curated], root, write)


def _others(section: config.Fim, curated: Manifest) -> tuple[Path | None, Path | None]:
    """What fim.context shows of other files: signatures, and their code."""
    context = section.context
    if not (context.share or context.test):
        return None, None
    types = _stored(curated, "signatures", "fim.context.share to 0 and fim.context.test to false")
    return types, _stored(curated, "snippets", "fim.context.snippets to 0") if context.snippets else None


def _stored(curated: Manifest, name: str, without: str) -> Path:
    path = curated.file(f"{name}.parquet")
    if not path.is_file():
        raise DataError(
            f"fim.context shows {name} of other files, but {curated.uri} holds none; set curate.{name} to true "
            f"and run again, or {without}"
        )
    return path


@dataclass
class _Make:
    """Make the samples of a batch of files; each process opens the tokenizer for itself."""

    section: config.Fim
    model: str  # folder
    family: str
    types: Path | None  # records.SIGNATURES
    snippets: Path | None  # records.SNIPPETS

    def __call__(self, batch: list[samples.Row]) -> samples.Made:
        return samples.make(self.section, self.tokenizer, batch, self.signatures)

    @cached_property
    def tokenizer(self) -> SourceTokenizer:
        return SourceTokenizer(self.model, self.family)

    @cached_property
    def signatures(self) -> Signatures | None:
        snippets = Snippets(self.snippets) if self.snippets else None
        return Signatures(self.types, self.tokenizer, snippets) if self.types else None


class _Shard:
    """The counts of one shard while its files stream by."""

    def __init__(self, make: _Make, source: Path):
        self.make, self.source = make, source
        self.counts = {column: Counter[str]() for column in ("policy", "kind", "cut", "split")}
        self.skipped: Counter[str] = Counter()
        self.tokens = self.drawn = self.context = self.led = 0
        self.best: list[samples.Row] = []  # test candidates
        self.examples: dict[str, examples.Example] = {}
        sizes = pq.read_table(source, columns=["bytes"])["bytes"]
        self.bytes = int(sizes.to_numpy().sum())
        self.progress = Progress("fim", "files", len(sizes))

    def write(self, folder: Path) -> Outcome:
        """Write both files and return the counts."""
        most = 1 if self.bytes < _SMALL else None
        with records.Writer(folder / "samples.parquet", records.SAMPLES) as writer:
            for made in pool.ordered(self.make, self._batches(), most):
                writer.extend(made.samples)
                self._count(made)
        records.write(folder / "test.parquet", records.TEST, self._smallest())
        self._report(writer.count)
        metrics: dict[str, float | int] = {
            "files": self.progress.count,
            "bytes": self.progress.bytes,
            "samples": writer.count,
            "tokens": self.tokens,
            "context_samples": self.led,
            "context_tokens": self.context,
            "test_candidates": len(self.best),
            "test_candidates_drawn": self.drawn,
            "given_up": self.skipped["sample given up"] + self.skipped["test candidate given up"],
        }
        details = {**self.counts, "skipped": self.skipped}
        counted = {name: dict(sorted(counts.items())) for name, counts in details.items()}
        return Outcome(metrics, {**counted, "examples": dict(sorted(self.examples.items()))})

    def _count(self, made: samples.Made) -> None:
        tokens = int(made.samples["tokens"].to_numpy().sum())
        self.tokens += tokens
        self.drawn += len(made.candidates)
        context = made.samples["context"].to_numpy()
        self.context += int(context.sum())
        self.led += int(np.count_nonzero(context))
        for column, counts in self.counts.items():
            counts.update(made.samples[column].to_pylist())
        self.skipped += made.skipped
        examples.merge(self.examples, made.examples)
        self.best += made.candidates
        self._smallest()
        self.progress.add(made.files, made.bytes, samples=len(made.samples), tokens=tokens)

    def _smallest(self) -> list[samples.Row]:
        self.best = sorted(self.best, key=lambda row: row["priority"])[: self.make.section.test_samples]
        return self.best

    def _report(self, count: int) -> None:
        made = f"{count:,} samples, {self.tokens:,} tokens, {len(self.best):,} test candidates"
        say("fim", f"{self.source.stem}: {made}; {self.progress.speed()}")

    def _batches(self) -> Iterator[list[samples.Row]]:
        """Yield the files in lists of about _BATCH bytes."""
        batch, size = [], 0
        for row in records.read(self.source, _COLUMNS, rows=64):
            batch.append(row)
            size += row["bytes"]
            if size >= _BATCH:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch
