"""CodeBLEU for Java (Ren et al. 2020, arXiv:2009.10297): the four parts and two ways to total them.

The parts equal those of the package codebleu 0.7.0, so that numbers can be compared with published
ones; only the data flow is made independent of hash seeds and safe for text beyond ASCII.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fimsmith import java
from fimsmith.evaluate import dataflow

_OTHER = 0.2  # weight of a word that is no keyword
_SMOOTHED = 0.1  # counted for an order without matches (Chen and Cherry 2014, method 1)
_ORDERS = (1, 2, 3, 4)
_COMMENT_OR_LITERAL = re.compile(r"""//.*?$|/\*.*?\*/|'(?:\\.|[^\\'])*'|"(?:\\.|[^\\"])*\"""", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Parts:
    """How a completion matches the reference in four ways, each 0 to 1."""

    ngram: float
    weighted_ngram: float
    syntax: float
    dataflow: float
    has_flow: bool  # whether the reference has any data flow
    both_empty: bool

    @property
    def compatible(self) -> float:
        """The total as codebleu 0.7.0 takes it: a data-flow match of 0 counts as 1."""
        return (self.ngram + self.weighted_ngram + self.syntax + (self.dataflow or 1)) / 4

    @property
    def strict(self) -> float:
        """The mean of the parts that apply: data flow only where the reference has some; two empty texts are equal."""
        if self.both_empty:
            return 1.0
        parts = [self.ngram, self.weighted_ngram, self.syntax]
        return math.fsum([*parts, self.dataflow]) / 4 if self.has_flow else math.fsum(parts) / 3


def score(reference: str, candidate: str) -> Parts:
    """Compare a completion with the reference; white space around them does not count."""
    reference, candidate = reference.strip(), candidate.strip()
    words, found = reference.split(), candidate.split()
    wanted_code, found_code = _bare(reference), _bare(candidate)
    matched, flows = dataflow.match(wanted_code, found_code)
    return Parts(
        ngram=_ngram(words, found),
        weighted_ngram=_weighted_ngram(words, found),
        syntax=_syntax(wanted_code, found_code),
        dataflow=matched / flows if flows else 0.0,
        has_flow=flows > 0,
        both_empty=not reference and not candidate,
    )


def _ngram(words: Sequence[str], found: Sequence[str]) -> float:
    """BLEU-4 (Papineni et al. 2002) of words between white space."""
    matches = []
    for order in _ORDERS:
        have, want = _counts(found, order), _counts(words, order)
        matches.append(((have & want).total(), have.total()))
    return _bleu(matches, len(words), len(found))


def _weighted_ngram(words: Sequence[str], found: Sequence[str]) -> float:
    """The recall of the reference's n-grams; single words weigh 1 (keyword) or 0.2."""
    matches: list[tuple[float, float]] = []
    for order in _ORDERS:
        have, want = _counts(found, order), _counts(words, order)
        shared = have & want
        matches.append((_weigh(shared), _weigh(want)) if order == 1 else (shared.total(), want.total()))
    # codebleu takes the length of the pair (words, weights) for the reference's length: always 2
    return _bleu(matches, 2, len(found))


def _counts(words: Sequence[str], order: int) -> Counter[tuple[str, ...]]:
    return Counter(zip(*(words[start:] for start in range(order)), strict=False))


def _weigh(counts: Mapping[tuple[str, ...], int]) -> float:
    return math.fsum(count * (1.0 if gram[0] in java.KEYWORDS else _OTHER) for gram, count in counts.items())


def _bleu(matches: Sequence[tuple[float, float]], wanted: int, found: int) -> float:
    """The geometric mean of (matched, total) per order, times the brevity penalty."""
    if not matches[0][0]:
        return 0.0
    logarithms = math.fsum(math.log((matched or _SMOOTHED) / max(1, total)) for matched, total in matches)
    penalty = 1.0 if found > wanted else math.exp(1 - wanted / found)
    return penalty * math.exp(logarithms / len(matches))


def _syntax(reference: bytes, candidate: bytes) -> float:
    """The share of the reference's subtrees that the candidate's tree has too."""
    wanted, found = _subtrees(reference), set(_subtrees(candidate))
    return sum(tree in found for tree in wanted) / len(wanted)


def _subtrees(source: bytes) -> list[str]:
    """The root and every inner node as text without the words."""
    stack, trees = [java.parse(source).root_node], []
    while stack:
        node = stack.pop()
        trees.append(str(node))
        stack.extend(child for child in node.children if child.child_count)
    return trees


def _bare(code: str) -> bytes:
    """Code without comments and blank lines."""
    text = _COMMENT_OR_LITERAL.sub(lambda found: " " if found[0].startswith("/") else found[0], code)
    return "\n".join(line for line in text.split("\n") if line.strip()).encode("utf-8", "replace")
