"""The parquet columns that stages hand to one another, and how those files are written.

Rows are sorted by what identifies them, so that the same inputs give the same bytes.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

# ingest → curate: one row per accepted file. `id` is the SHA-256 of the decoded text.
FILES = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("group", pa.string()),  # key in mix.weights
        ("repository", pa.string()),
        ("path", pa.string()),  # below the repository, with forward slashes
        ("kind", pa.string()),  # java | text
        ("licence", pa.string()),  # SPDX identifier, or null
        ("commit", pa.string()),  # of the repository, or null
        # last commit or modification, seconds since the epoch, or null; with Source.history of the last commit that
        # changed the file, null where that one was not read
        ("time", pa.int64()),
        ("encoding", pa.string()),  # utf-8, utf-8-sig, utf-16-le, utf-16-be, gb18030
        ("bytes", pa.int64()),  # size as found
        ("text", pa.string()),  # decoded, byte order mark removed, line ends as found, personal data replaced
        # lines that commits added, the newest commit's first: start, end, start, end … in bytes of the text's UTF-8
        ("hunks", pa.list_(pa.int64())),
        ("minhash", pa.binary()),  # uint32 little-endian signature
    ]
)

# ingest: one row per file that was not taken
REJECTED = pa.schema([("path", pa.string()), ("reason", pa.string())])

# curate → fim: FILES without the signature, with the split
CURATED = pa.schema(
    [field for field in FILES if field.name != "minhash"]
    + [pa.field("cluster", pa.string()), pa.field("split", pa.string())]
)  # cluster: id of its smallest member; split: train | valid | test

# curate → fim: one row per top-level type of a training file, in the order of the files
SIGNATURES = pa.schema(
    [
        ("source", pa.string()),
        ("repository", pa.string()),
        ("path", pa.string()),
        ("package", pa.string()),
        ("type", pa.string()),  # its simple name
        ("signature", pa.string()),  # header and visible members without bodies, one per line
    ]
)

# curate → fim: the training files of kind java, in the order of the files
SNIPPETS = pa.schema([CURATED.field(name) for name in ("source", "repository", "path", "text")])

# fim → mix: one row per sample of the train and valid splits
SAMPLES = pa.schema(
    [
        ("file", pa.string()),  # id of the file
        ("epoch", pa.int32()),
        ("index", pa.int32()),  # of the sample within the file and epoch
        ("source", pa.string()),
        ("group", pa.string()),
        ("repository", pa.string()),
        ("path", pa.string()),
        ("split", pa.string()),
        ("policy", pa.string()),  # node | aligned | line | char | commit | document | prefix
        ("kind", pa.string()),  # of the syntax node, or the policy's name
        ("cut", pa.string()),  # exact | snap | line: where the target's ends were moved to; document
        ("spm", pa.bool_()),  # whether the suffix comes first
        ("start", pa.int64()),  # the target's byte span in the UTF-8 text, half open
        ("end", pa.int64()),
        ("context", pa.int32()),  # tokens of other files and the path in front of the prefix; 0: none
        ("tokens", pa.int32()),
        # the whole sample, sentinels included: little-endian uint16, or uint32 above 65,536 ids; as a
        # list it would take several times as long to write and read
        ("ids", pa.binary()),
        ("target", pa.int32()),  # index in ids of the target's first token
    ]
)

# fim → evaluate: candidates of the fixed FIM test set
TEST = pa.schema(
    [
        ("priority", pa.string()),  # hash; the test set is the rows with the smallest ones
        ("file", pa.string()),
        ("group", pa.string()),
        ("repository", pa.string()),
        ("path", pa.string()),
        ("policy", pa.string()),
        ("kind", pa.string()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("prefix", pa.string()),  # the text the prompt was made from, cut to what fits
        ("middle", pa.string()),
        ("suffix", pa.string()),
        ("prompt", pa.list_(pa.int32())),  # everything before the first target token
        ("target", pa.list_(pa.int32())),  # tokens of the middle and the end token
    ]
)

# evaluate → gate: what is measured per test sample. Points (0-100), except loss (nats per target token)
# and length_ratio (characters of the completion per character of the middle).
MEASURES = (
    "exact_match",
    "edit_similarity",
    "codebleu",
    "codebleu_strict",
    "ngram",
    "weighted_ngram",
    "syntax",
    "dataflow",
    "length_ratio",
    "stopped",
    "parses",
    "loss",
)
SCORES = pa.schema(
    [(name, pa.string()) for name in ("priority", "file", "group", "policy", "kind")]
    + [(name, pa.float64()) for name in MEASURES]
)


class Writer:
    """Write rows to one parquet file in bounded memory; the file appears when it is complete."""

    def __init__(self, path: Path, schema: pa.Schema, rows_per_group: int = 1_000):
        self.path, self.schema, self.limit = path, schema, rows_per_group
        self.rows: list[dict[str, Any]] = []
        self.count = 0
        self._partial = path.with_name(path.name + ".partial")
        # token ids and texts hardly repeat as a whole; splitting a list's bytes is several times faster than a dictionary, and smaller
        lists = [field.name for field in schema if pa.types.is_list(field.type)]
        plain = [
            name for name in schema.names if name not in [*lists, "text"] and schema.field(name).type != pa.binary()
        ]
        self._file = pq.ParquetWriter(
            self._partial,
            schema,
            compression="zstd",
            use_dictionary=plain,  # pyright: ignore[reportArgumentType]
            write_statistics=plain,  # pyright: ignore[reportArgumentType]
            column_encoding={f"{name}.list.element": "BYTE_STREAM_SPLIT" for name in lists} or None,
        )

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, kind: Any, *_: Any) -> None:
        if kind is None and self.rows:
            self._flush()
        self._file.close()
        if kind is None:
            self._partial.replace(self.path)

    def add(self, row: dict[str, Any]) -> None:
        """Append one row; missing columns become null."""
        self.rows.append(row)
        self.count += 1
        if len(self.rows) >= self.limit:
            self._flush()

    def extend(self, table: pa.Table) -> None:
        """Write a table as a row group of its own."""
        if len(table):
            self.count += len(table)
            self._file.write_table(table)

    def _flush(self) -> None:
        self._file.write_table(pa.Table.from_pylist(self.rows, schema=self.schema))
        self.rows = []


def read(path: Path, columns: list[str] | None = None, rows: int = 1_000) -> Iterator[dict[str, Any]]:
    """Iterate over a parquet file's rows in bounded memory."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=rows, columns=columns):
            yield from batch.to_pylist()


def write(path: Path, schema: pa.Schema, rows: Iterable[dict[str, Any]]) -> int:
    """Write all rows and return how many there were."""
    with Writer(path, schema) as writer:
        for row in rows:
            writer.add(row)
    return writer.count
