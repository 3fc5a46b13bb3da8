"""Read one source: every file becomes a row with its text and provenance, or is counted with the reason why not.

fimsmith ingest config.yaml
"""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from fimsmith import config, pool, records, storage
from fimsmith.corpus import minhash, tree
from fimsmith.corpus.examine import Rejected, batches, examine
from fimsmith.corpus.sorting import SortedFiles
from fimsmith.corpus.sources import Opened, open_source
from fimsmith.corpus.tree import Entry
from fimsmith.errors import DataError
from fimsmith.manifest import Manifest, Outcome, produce
from fimsmith.progress import Progress, say

_CODE = 4  # to be raised when this code gives other rows or counts, so that older ones are not taken for them
_LISTED = 50  # repositories and licences named in the manifest, which has to stay small
_ADVICE = {  # by the reason why most files of a source are rejected, where the limits are not to blame
    "no_text": "set text_column to a column of texts",
    "broken": "mend its files (JSONL has one object on each line)",
    "other_kind": "set its kind to what it holds",
    "undecodable": "convert it to UTF-8",
}


def ingest(section: config.Ingest, source: config.Source, root: str) -> Manifest:
    """Read a source into `files.parquet` (`records.FILES`) and `rejected.parquet` (`records.REJECTED`).

    `details` counts the rejections by reason, the accepted files by encoding, licence, repository and script, and what
    was redacted; with `source.history` the commits that were read and the time of the one before.
    Raises DataError for a source that cannot be read or gives no file at all.
    """
    opened = open_source(source, section.max_bytes)
    key = [_CODE, section, source, opened.signature, minhash.SCHEME]
    return produce("ingest", key, [], root, lambda work: _build(section, source, opened, work))


class _Tally:
    """Count what becomes of the files."""

    def __init__(self) -> None:
        self.files = self.bytes = self.hunks = 0
        self.rejected: list[Rejected] = []
        self.encodings, self.licences, self.repositories = Counter(), Counter(), Counter()
        self.scripts, self.redacted = Counter(), Counter()

    def accept(self, row: dict[str, Any]) -> None:
        """Count a file that is kept."""
        self.files += 1
        self.bytes += row["bytes"]
        self.hunks += len(row.get("hunks") or ()) // 2
        self.encodings[row["encoding"]] += 1
        self.licences[row["licence"] or "none"] += 1
        self.repositories[row["repository"]] += 1
        self.scripts.update(row.pop("scripts"))
        self.redacted.update(row.pop("redacted"))


def _build(section: config.Ingest, source: config.Source, opened: Opened, work: Path) -> Outcome:
    storage.clear(work)
    tally, files, progress = _Tally(), SortedFiles(work / "files.parquet"), Progress("ingest", "files")
    entries = batches(_first(opened.entries(), source.max_files))
    for results in pool.ordered(partial(examine, section, source), entries):
        rows = [result for result in results if isinstance(result, dict)]
        tally.rejected += [result for result in results if isinstance(result, tuple)]
        for row in rows:
            tally.accept(row)
            files.add(row)
        progress.add(len(results), sum(row["bytes"] for row in rows))
    _check(tally, source)
    say("ingest", f"{source.name}: {tally.files:,} of {progress.count:,} files taken; {progress.speed()}")
    files.finish()
    rejected = ({"path": path, "reason": reason} for path, reason in sorted(tally.rejected))
    records.write(work / "rejected.parquet", records.REJECTED, rejected)
    return _outcome(tally, source, opened)


def _first(entries: Iterator[Entry], most: int | None) -> Iterator[Entry]:
    """The first that can be read, `most` of them, with those before and between that cannot."""
    readable = 0
    for entry in entries:
        yield entry
        readable += not entry.reason
        if readable == most:
            return


def _check(tally: _Tally, source: config.Source) -> None:
    """Raise DataError when there is nothing for the later stages."""
    if tally.files:
        return
    if not tally.rejected:
        wanted = " ".join("*" + suffix for suffix in tree.SUFFIXES[source.kind])
        raise DataError(
            f"source {source.name!r} holds no files of kind {source.kind} ({wanted}); "
            "check its location, or set its kind to what it holds"
        )
    counts = Counter(reason for _, reason in tally.rejected).most_common()
    raise DataError(
        f"source {source.name!r}: none of {len(tally.rejected):,} files can be used: "
        + ", ".join(f"{count:,} {reason}" for reason, count in counts)
        + f"; {_ADVICE.get(counts[0][0], 'loosen the limits under ingest')}, or take the source out"
    )


def _outcome(tally: _Tally, source: config.Source, opened: Opened) -> Outcome:
    found = tally.files + len(tally.rejected)
    metrics = {"hunks": tally.hunks} if source.history else {}
    return Outcome(
        metrics={
            "files_found": found,
            "files": tally.files,
            "bytes": tally.bytes,
            "repositories": len(tally.repositories),
            **metrics,
        },
        details={
            **opened.details,
            "source": source.name,
            "group": source.share,
            "kind": source.kind,
            "rejected": _largest(Counter(reason for _, reason in tally.rejected)),
            "encodings": _largest(tally.encodings),
            "licences": _largest(tally.licences),
            "repositories": _largest(tally.repositories),
            "scripts": _largest(tally.scripts),
            "redacted": _largest(tally.redacted),
        },
    )


def _largest(counts: Counter[str]) -> dict[str, int]:
    """The largest counts, by name where equal, so that the order does not depend on how they came in."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_LISTED])
