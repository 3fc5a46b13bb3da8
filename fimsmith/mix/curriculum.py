"""Which sequences are trained on first where mix.order is easy_first.

A completion counts as the harder the more tokens its middle has, for every one of them must be right.
Length is the usual measure that costs nothing (for sentences: Platanios et al. 2019, arXiv:1903.09848).
"""

from collections.abc import Sequence

import numpy as np

LEVELS = 3  # easy, medium, hard, as Naïr et al. 2024 (arXiv:2407.10194) divide programs


def levels(rows: Sequence[np.ndarray], middles: np.ndarray, groups: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Return the level of each sequence, 0 the easiest: by the mean of its samples' middles.

    `rows` are the samples of each sequence, by index into the other columns; `middles` are in tokens, 0 for
    documents, which do not count. The sequences that are mostly of one group are divided among themselves,
    and so are those of documents only, in the order given: otherwise a level would not have the groups by
    their weights, nor as many documents as the others.
    """
    flat, row = np.concatenate(rows), np.repeat(np.arange(len(rows)), list(map(len, rows)))
    names, codes = np.unique(groups.astype(str), return_inverse=True)
    tokens = np.zeros((len(rows), len(names)), np.int64)
    np.add.at(tokens, (row, codes[flat]), kept[flat])
    mean = np.bincount(row, middles[flat]) / np.maximum(1, np.bincount(row, middles[flat] > 0))
    part = 2 * tokens.argmax(1) + (mean > 0)
    found = np.empty(len(rows), np.int64)
    for each in np.unique(part):
        members = np.flatnonzero(part == each)
        ordered = members[np.argsort(mean[members], kind="stable")]
        found[ordered] = _thirds(tokens[ordered].sum(1))
    return found


def _thirds(tokens: np.ndarray) -> np.ndarray:
    """Cut a list into LEVELS parts with as many tokens each; an item belongs to where its own middle lies."""
    ends = np.cumsum(tokens)
    return (2 * ends - tokens) * LEVELS // (2 * ends[-1])
