"""Replace what a model must not repeat, credentials and personal data, or refuse the file that holds it."""

from collections import Counter

from fimsmith import config
from fimsmith.corpus import credentials, personal

Redacted = tuple[str, Counter[str]]  # text, how many of what were replaced


def redact(section: config.Ingest, kind: str, texts: list[str]) -> list[Redacted | str]:
    """Return each text as it may be kept and what was replaced in it, or the reason to drop it."""
    results: list[Redacted | str] = [(text, Counter()) for text in texts]
    if section.secrets != "keep":
        for row in (row for row, rule in enumerate(credentials.find(texts)) if rule):
            clean = credentials.redacted(texts[row], kind) if section.secrets == "redact" else None
            results[row] = clean or "secret"
    if section.personal == "keep":
        return results
    kept = [(row, *result) for row, result in enumerate(results) if not isinstance(result, str)]
    cleaned = personal.redacted([text for _, text, _ in kept], kind)
    for (row, _, before), (text, counts) in zip(kept, cleaned, strict=True):
        results[row] = "personal" if counts and section.personal == "drop" else (text, before + counts)
    return results
