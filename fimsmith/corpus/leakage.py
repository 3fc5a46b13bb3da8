"""Measure how similar the test files are to the training files, by signature."""

from dataclasses import dataclass, field

import numpy as np

from fimsmith.corpus.neighbours import Similar

# bins of a band: pairs of a similarity above 0.5 agree in a whole band, and of those with 0.3 all but
# one in a hundred thousand
_WIDTH = 2


@dataclass(slots=True)
class Closest:
    """The most similar pair of a test and a training file, and all pairs above a threshold."""

    similarity: float = 0.0  # estimated by the signatures
    pair: tuple[int, int] | None = None  # (test row, training row)
    above: set[tuple[int, int]] = field(default_factory=set)


def measure(signatures: np.ndarray, test: np.ndarray, train: np.ndarray, threshold: float) -> Closest:
    """Compare test rows with training rows."""
    found = Closest()
    tested = np.zeros(len(signatures), dtype=bool)
    tested[test] = True
    similar = Similar(signatures, np.concatenate([test, train]), _WIDTH)
    for pairs in similar.pairs("test and training files", lambda left, right: tested[left] != tested[right]):
        left, right, scores = similar.estimates(pairs, min(found.similarity, threshold))
        left, right = np.where(tested[left], left, right), np.where(tested[left], right, left)
        above = scores >= threshold
        found.above.update(zip(left[above].tolist(), right[above].tolist(), strict=True))
        if len(scores) and scores.max() > found.similarity:
            best = scores.argmax()
            found.similarity, found.pair = float(scores[best]), (int(left[best]), int(right[best]))
    return found
