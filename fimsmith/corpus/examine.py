"""Decode, filter and sign a batch of files; this runs in worker processes."""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

from fimsmith import config
from fimsmith.corpus import decode, filters, history, html, licences, minhash, redaction, scripts
from fimsmith.corpus.tree import Entry

_BATCH_FILES = 200
_BATCH_BYTES = 500_000  # small enough that memory is reused, not given back and taken again
_LINE_ENCODINGS = ("utf-8", "utf-8-sig", "gb18030")  # encodings in which a byte 0A ends a line, as git sees it

Rejected = tuple[str, str]  # path below the source, reason


def batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Group entries so that a batch is worth sending to another process and fits in memory."""
    batch: list[Entry] = []
    size = 0
    for entry in entries:
        batch.append(entry)
        size += len(entry.data)
        if len(batch) >= _BATCH_FILES or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def examine(section: config.Ingest, source: config.Source, batch: list[Entry]) -> list[dict[str, Any] | Rejected]:
    """Return for each entry its row of `records.FILES`, or its path and the reason why there is none.

    The rows also hold what is only counted: `redacted`, how many credentials and personal data of each kind were
    replaced, and `scripts`.
    """
    results = [_filtered(section, source, entry) for entry in batch]
    taken = [(number, row) for number, row in enumerate(results) if isinstance(row, dict)]
    clean = redaction.redact(section, source.kind, [row["text"] for _, row in taken])
    kept = []
    for (number, row), result in zip(taken, clean, strict=True):
        if isinstance(result, str):
            results[number] = batch[number].found, result
        else:
            row["text"], row["redacted"] = result
            kept.append((number, row))
    for (number, row), signature in zip(kept, minhash.signatures([row["text"] for _, row in kept]), strict=True):
        row["id"] = hashlib.sha256(row["text"].encode()).hexdigest()
        row["scripts"] = scripts.scripts(row["text"])
        row["minhash"] = signature.astype("<u4").tobytes()
        if hunks := batch[number].hunks:
            row["hunks"] = history.spans(row["text"], hunks) if row["encoding"] in _LINE_ENCODINGS else []
    return results


def _filtered(section: config.Ingest, source: config.Source, entry: Entry) -> dict[str, Any] | Rejected:
    if entry.reason:
        return entry.found, entry.reason
    if len(entry.data) > section.max_bytes:
        return entry.found, "too_large"
    decoded = decode.decode(entry.data)
    if isinstance(decoded, str):
        return entry.found, decoded
    text, encoding = decoded
    size = len(entry.data)
    if entry.path.lower().endswith(html.SUFFIXES):
        if html.is_unclosed(text):
            return entry.found, "unclosed_markup"
        page = html.text(text)
        if page is None:
            return entry.found, "too_deep"
        text, size = page, len(page.encode())
        if size > section.max_bytes:
            return entry.found, "too_large"
    stated = licences.detect(text, source.kind)
    licence = (entry.licence if stated is None else stated) or source.licence
    file = filters.File(entry.found, source.kind, size, text, licence)
    if reason := filters.reason(file, section):
        return entry.found, reason
    return {
        "source": source.name,
        "group": source.share,
        "repository": entry.repository,
        "path": entry.path,
        "kind": source.kind,
        "licence": licence,
        "commit": entry.commit,
        "time": entry.time,
        "encoding": encoding,
        "bytes": len(entry.data),
        "text": text,
    }
