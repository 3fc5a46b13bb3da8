"""Make one clean corpus of all sources: no copies, no benchmarks, and a split that does not leak.

fimsmith curate config.yaml
"""

import heapq
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from fimsmith import config, records, storage
from fimsmith.corpus import decontaminate, minhash
from fimsmith.corpus.cutoff import Times
from fimsmith.corpus.decontaminate import Benchmark
from fimsmith.corpus.inspection import BATCH, Numbered, inspected
from fimsmith.corpus.sorting import identity
from fimsmith.corpus.split import Plan, Rows, plan
from fimsmith.errors import DataError
from fimsmith.manifest import Manifest, Outcome, produce
from fimsmith.progress import say

_LOADED = 10_000  # rows whose signature is read at once
_ROWS_WAITING = 1_024  # rows held by the writers of all shards together
_CODE = 1  # to be raised when this code gives other rows or counts, so that older ones are not taken for them
_FILES_TOGETHER = 50  # rows of snippets.parquet that are read for one of them


def curate(section: config.Curate, ingested: list[Manifest], root: str) -> Manifest:
    """Write the kept files to `files-00000.parquet` … (`records.CURATED`) and the others to `dropped.parquet`.

    With `section.signatures` also `signatures.parquet` (`records.SIGNATURES`) of the training files, with
    `section.snippets` `snippets.parquet` (`records.SNIPPETS`).
    `metrics` holds the files per split, what was dropped, and the largest similarity between test
    and training; `details` the counts per group and benchmark, the most similar pair, and the cut-offs of a split by
    time. Raises DataError when a split is empty.
    """
    benchmarks = [decontaminate.find(location) for location in section.decontaminate]
    key = [_CODE, section, [benchmark.signature for benchmark in benchmarks]]
    return produce("curate", key, ingested, root, lambda work: _build(section, benchmarks, ingested, work))


def _build(section: config.Curate, benchmarks: list[Benchmark], ingested: list[Manifest], work: Path) -> Outcome:
    storage.clear(work)
    known = decontaminate.runs(benchmarks)
    groups = _held_out(section, ingested)
    # among copies the first one is kept: a held-out file rather than a public copy of it
    sources = sorted(ingested, key=lambda manifest: manifest.details["group"] not in groups)
    rows = _load(sources, groups)
    if section.split_by == "time":
        rows.times = _times(sources, groups)
    say("curate", f"comparing {len(rows.ids):,} files")
    decided = plan(section, rows)
    result = _Result(decided, len(benchmarks))
    with ExitStack() as stack:
        shards = [
            stack.enter_context(
                records.Writer(work / f"files-{shard:05}.parquet", records.CURATED, _ROWS_WAITING // section.shards)
            )
            for shard in range(section.shards)
        ]
        types = texts = None
        if section.signatures:
            types = stack.enter_context(records.Writer(work / "signatures.parquet", records.SIGNATURES))
        if section.snippets:
            texts = stack.enter_context(records.Writer(work / "snippets.parquet", records.SNIPPETS, _FILES_TOGETHER))
        for number, row, seen in inspected(known, decided, _texts(sources), types=section.signatures):
            if kept := result.take(number, row, seen.contaminated):
                shards[int(row["id"][:16], 16) % section.shards].add(kept)
                if types:
                    for each in seen.signatures:
                        types.add({name: row[name] for name in ("source", "repository", "path")} | each)
                if texts and (kept["split"], kept["kind"]) == ("train", "java"):
                    texts.add({name: row[name] for name in records.SNIPPETS.names})
    result.check(section)
    dropped = ({"path": path, "reason": reason} for path, reason in sorted(result.dropped))
    records.write(work / "dropped.parquet", records.REJECTED, dropped)
    outcome = result.outcome()
    splits = ", ".join(f"{outcome.metrics[f'{split}_files']:,} {split}" for split in ("train", "valid", "test"))
    say("curate", f"{outcome.metrics['files']:,} files kept: {splits}")
    return outcome


def _held_out(section: config.Curate, ingested: list[Manifest]) -> set[str]:
    """The groups that give the valid and test splits."""
    groups = {manifest.details["group"] for manifest in ingested if manifest.details["kind"] == "java"}
    if not (section.held_out or groups):
        raise DataError("no source is of kind java, so there is nothing to hold out; add one, or set curate.held_out")
    return set(section.held_out) or groups


def _load(sources: list[Manifest], groups: set[str]) -> Rows:
    """Read everything but the texts: about 1.3 KB per file."""
    counts = [int(manifest.metrics["files"]) for manifest in sources]
    held_out = np.repeat([manifest.details["group"] in groups for manifest in sources], counts)
    rows = Rows([], [], held_out, np.empty((sum(counts), minhash.BINS), dtype="<u4"))
    for manifest in sources:
        source = manifest.details["source"]
        with pq.ParquetFile(manifest.file("files.parquet")) as file:
            for batch in file.iter_batches(_LOADED, columns=["id", "repository", "minhash"]):
                first, last = len(rows.ids), len(rows.ids) + len(batch)
                signatures = b"".join(batch["minhash"].to_pylist())
                rows.signatures[first:last] = np.frombuffer(signatures, dtype="<u4").reshape(-1, minhash.BINS)
                rows.ids += batch["id"].to_pylist()
                rows.repositories += zip(repeat(source), batch["repository"].to_pylist())
    return rows


def _times(sources: list[Manifest], groups: set[str]) -> Times:
    """The last changes of the rows; those of files that are not held out do not matter."""
    newest, known = [], []
    for manifest in sources:
        history = manifest.details.get("history")
        if manifest.details["group"] in groups and history is None:
            raise DataError(
                "curate.split_by: time needs the last commit of each held-out file, which source "
                f"{manifest.details['source']!r} does not give; read it as git+… with history set to a number of commits, name "
                "other groups in curate.held_out, or set curate.split_by to cluster"
            )
        times = pq.read_table(manifest.file("files.parquet"), columns=["time"])["time"]
        newest.append(times.fill_null((history or {}).get("before") or 0).to_numpy())
        known.append(times.is_valid().to_numpy())
    return Times(np.concatenate(newest), np.concatenate(known))


def _texts(sources: list[Manifest]) -> Iterator[Numbered]:
    """Yield all rows in the order of the output, numbered as in the plan."""
    first, streams = 0, []
    for manifest in sources:
        streams.append(_numbered(manifest, first))
        first += int(manifest.metrics["files"])
    return heapq.merge(*streams, key=lambda numbered: identity(numbered[1]))


def _numbered(manifest: Manifest, first: int) -> Iterator[Numbered]:
    columns = [name for name in records.FILES.names if name != "minhash"]
    yield from enumerate(records.read(manifest.file("files.parquet"), columns, BATCH), first)


class _Result:
    """Counts of what was kept and dropped, and the texts of the most similar pair."""

    def __init__(self, decided: Plan, benchmarks: int):
        self._plan = decided
        self._contaminated = [0] * benchmarks
        self.dropped: list[tuple[str, str]] = []
        self._kept: Counter[tuple[str, str]] = Counter()  # (group, split)
        self._clusters: set[str] = set()
        self._pair: dict[int, tuple[str, str]] = {}  # row -> path, text

    def take(self, number: int, row: dict[str, Any], contaminated: list[int]) -> dict[str, Any] | None:
        """Return a row as it is written, or None for one that is dropped; it holds parts of the `contaminated` benchmarks."""
        path, split, cluster = (
            f"{row['repository']}/{row['path']}",
            self._plan.splits[number],
            self._plan.clusters[number],
        )
        if number in (self._plan.closest.pair or ()):
            self._pair[number] = path, row["text"]
        for benchmark in contaminated:
            self._contaminated[benchmark] += 1
        if reason := self._plan.reasons[number] or ("contaminated" if contaminated else None):
            self.dropped.append((path, reason))
            return None
        self._kept[row["group"], split] += 1
        self._clusters.add(cluster)
        return {**row, "cluster": cluster, "split": split}

    def check(self, section: config.Curate) -> None:
        """Raise DataError when the benchmarks took a whole split."""
        for split, share in (("train", 1.0), ("valid", section.valid)):
            if share and not self._files(split):
                raise DataError(
                    f"every {split} file holds parts of the files in curate.decontaminate; take out the benchmark that "
                    "the code comes from, or add files"
                )

    def outcome(self) -> Outcome:
        """The manifest's numbers."""
        reasons = Counter(reason for _, reason in self.dropped)
        splits = ("train", "valid", "test")
        groups = sorted({group for group, _ in self._kept})
        return Outcome(
            metrics={
                "files": self._kept.total(),
                **{f"{split}_files": self._files(split) for split in splits},
                "duplicates": reasons["duplicate"],
                "near_duplicates": reasons["near_duplicate"],
                "contaminated": reasons["contaminated"],
                "clusters": len(self._clusters),
                "max_similarity_train_test": round(self._plan.closest.similarity, 4),
            },
            details={
                "groups": {group: {split: self._kept[group, split] for split in splits} for group in groups},
                "dropped": dict(sorted(reasons.items())),
                "contaminated": self._contaminated,
                **self._cutoffs(),
                "most_similar": self._most_similar(),
                "similarity": f"Jaccard of {minhash.SHINGLE}-word shingles without the head comment, estimated by MinHash "
                f"of {minhash.BINS} bins; pairs of a test and a training file that share two neighbouring bins, a sample "
                "where many files do",
            },
        )

    def _files(self, split: str) -> int:
        return sum(count for (_, each), count in self._kept.items() if each == split)

    def _cutoffs(self) -> dict[str, Any]:
        """By time: a held-out cluster whose last change is not before one of these is in its split, test first."""
        found = self._plan.cutoffs
        return {"cutoffs": {split: f"{np.datetime64(time, 's')}Z" for split, time in found.items()}} if found else {}

    def _most_similar(self) -> dict[str, Any] | None:
        if self._plan.closest.pair is None:
            return None
        (test, left), (train, right) = (self._pair[row] for row in self._plan.closest.pair)
        exact = minhash.jaccard(left, right)
        return {
            "test": test,
            "train": train,
            "estimate": round(self._plan.closest.similarity, 4),
            "jaccard": round(exact, 4),
        }
