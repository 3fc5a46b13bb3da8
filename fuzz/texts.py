"""Fuzz what ingest and curate do with a text: pages, licences, filters, redaction, signatures.

python fuzz/texts.py -max_total_time=60
"""

import atheris
import seeds

with atheris.instrument_imports(include=["fimsmith", "bs4", "html", "markdownify"]):
    from java_texts import shape

    from fimsmith import config, java
    from fimsmith.corpus import boilerplate, credentials, filters, history, html, licences, minhash, redaction
    from fimsmith.corpus.signatures import signatures

    html.text("")  # imports its libraries

REDACT = config.Ingest(secrets="redact", personal="redact")
HUNKS = [(0, 1), (2, 5), (5, 6), (900, 901)]


def one(data: bytes) -> None:
    """Take one text for Java, for prose and for a page."""
    text = data.decode("utf-8", "replace")
    licence = licences.detect(text)
    for kind in ("java", "text"):
        filters.reason(filters.File("A." + kind, kind, len(data), text, licence), REDACT)
        (found,) = redaction.redact(REDACT, kind, [text])
        if not isinstance(found, str):
            _check_redacted(kind, text, *found)
    assert boilerplate.kind(text) in (None, "accessors", "constants")
    assert all(each["type"] and each["signature"] for each in signatures(text))
    spans = history.spans(text, HUNKS)
    assert all(text.encode()[start:end].strip() for start, end in zip(spans[::2], spans[1::2], strict=True))
    page = html.text(text)
    minhash.signatures([text, page or ""])


def _check_redacted(kind: str, text: str, clean: str, counts: dict[str, int]) -> None:
    assert (clean == text) == (not counts)
    assert credentials.find(clean) is None
    assert redaction.redact(REDACT, kind, [clean]) == [(clean, {})]
    if kind == "java" and not java.errors(java.parse(text.encode())):
        assert shape(clean) == shape(text)


if __name__ == "__main__":
    seeds.fuzz(one, [*seeds.SHOP, seeds.PAGE, seeds.SECRETS])
