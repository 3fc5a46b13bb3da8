"""Score completions against the true middles, in several processes when there are many."""

from collections.abc import Mapping, Sequence
from typing import Any

from rapidfuzz.distance import Levenshtein
from tree_sitter import Node

from fimsmith import java, pool
from fimsmith.evaluate import codebleu
from fimsmith.progress import Progress

_PER_PROCESS = 64  # samples that make another process worth its start
_CHUNK = 16  # samples sent to a process at a time
Row = Mapping[str, Any]
Scores = dict[str, float]


def score(rows: Sequence[Row], generations: Sequence[Row]) -> list[tuple[Scores, Scores]]:
    """Return for each test row the scores of its completion, and those of the true middle itself.

    The second are the highest that CodeBLEU gives there: a perfect but short completion gets far less than 100.
    Rows and generations are in the same order.
    """
    pairs = list(zip(rows, generations, strict=True))
    progress = Progress("evaluate", "completions scored", len(pairs))
    scored = []
    chunks = (pairs[start : start + _CHUNK] for start in range(0, len(pairs), _CHUNK))
    for results in pool.ordered(_scored, chunks, most=len(pairs) // _PER_PROCESS):
        scored += results
        progress.add(len(results))
    return scored


def measure(row: Row, generation: Row) -> Scores:
    """Score one completion; see records.MEASURES for the units."""
    middle, completion = row["middle"], generation["completion"]
    return {
        "exact_match": 100.0 * (completion.strip() == middle.strip()),
        "edit_similarity": 100 * Levenshtein.normalized_similarity(completion.strip(), middle.strip()),
        **_codebleu(middle, completion),
        "length_ratio": len(completion) / max(1, len(middle)),
        "stopped": 100.0 * generation["stopped"],
        "parses": 100.0 * parses(row, completion),
        "loss": generation["loss"],
    }


def parses(row: Row, completion: str) -> bool:
    """Whether the file around the hole has no more syntax errors with the completion than with the middle."""
    errors = [_errors(row["prefix"] + text + row["suffix"]) for text in (completion, row["middle"])]
    return errors[0] <= errors[1]


def _scored(pairs: Sequence[tuple[Row, Row]]) -> list[tuple[Scores, Scores]]:
    return [(measure(row, generation), _codebleu(row["middle"], row["middle"])) for row, generation in pairs]


def _codebleu(middle: str, completion: str) -> Scores:
    parts = codebleu.score(middle, completion)
    return {
        "codebleu": 100 * parts.compatible,
        "codebleu_strict": 100 * parts.strict,
        "ngram": 100 * parts.ngram,
        "weighted_ngram": 100 * parts.weighted_ngram,
        "syntax": 100 * parts.syntax,
        "dataflow": 100 * parts.dataflow,
    }


def _errors(text: str) -> int:
    """Count ERROR and MISSING nodes at every depth: a cut file often lies in one ERROR node as a whole."""
    count, stack = 0, [java.parse(text.encode("utf-8", "replace")).root_node]
    while stack:
        node: Node = stack.pop()
        count += node.is_error or node.is_missing
        if node.has_error:
            stack.extend(node.children)
    return count
