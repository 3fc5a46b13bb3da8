"""From repositories to a clean, split corpus: ingest one source each, then curate all together."""

from fimsmith.corpus.curate import curate
from fimsmith.corpus.ingest import ingest

__all__ = ["curate", "ingest"]
