"""Turn curated files into fill-in-the-middle and completion samples, and draw the FIM test set."""

from fimsmith.fim.shard import build

__all__ = ["build"]
