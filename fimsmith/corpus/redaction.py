"""Replace what a model must not repeat, credentials and personal data, or refuse the file that holds it."""

from collections import Counter

from fimsmith import config
from fimsmith.corpus import credentials, hints, personal

Redacted = tuple[str, Counter[str]]  # text, how many of what were replaced


def redact(section: config.Ingest, kind: str, texts: list[str]) -> list[Redacted | str]:
    """Return each text as it may be kept and what was replaced in it, or the reason to drop it."""
    results: list[Redacted | str] = [(text, Counter()) for text in texts]
    wanted = [credentials.HINT] * (section.secrets != "keep") + [personal.HINT] * (section.personal != "keep")
    for row in hints.suspects(texts, "|".join(wanted)) if wanted else ():
        results[row] = _redacted(section, kind, texts[row])
    return results


def _redacted(section: config.Ingest, kind: str, text: str) -> Redacted | str:
    replaced: Counter[str] = Counter()
    if section.secrets != "keep" and credentials.find(text):
        clean = credentials.redacted(text, kind) if section.secrets == "redact" else None
        if clean is None:
            return "secret"
        text, replaced = clean
    if section.personal == "keep":
        return text, replaced
    text, counts = personal.redacted(text, kind)
    return "personal" if counts and section.personal == "drop" else (text, replaced + counts)
