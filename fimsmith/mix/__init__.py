"""Mix the groups' samples by exact shares of tokens and pack them into sequences."""

from fimsmith.mix.assemble import build

__all__ = ["build"]
