"""Score completions against the true middles, in as many processes as there are processors."""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any

from rapidfuzz.distance import Levenshtein
from tree_sitter import Node

from fimsmith import java
from fimsmith.errors import JobError
from fimsmith.evaluate import codebleu
from fimsmith.progress import Progress

_PER_PROCESS = 64  # samples that make another process worth its start
_MOST = 16  # processes; a container may see more processors than it may use
_CHUNK = 16  # samples sent to a process at a time
Row = Mapping[str, Any]


def score(rows: Sequence[Row], generations: Sequence[Row]) -> list[tuple[dict[str, float], dict[str, float]]]:
    """Return for each test row the scores of its completion, and those of the true middle itself.

    The second are the highest that CodeBLEU gives there: a perfect but short completion gets far less than 100.
    Rows and generations are in the same order.
    """
    pairs = list(zip(rows, generations, strict=True))
    progress = Progress("evaluate", "completions scored", len(pairs))
    scored = []
    for result in _mapped(pairs):
        scored.append(result)
        progress.add()
    return scored


def measure(row: Row, generation: Row) -> dict[str, float]:
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


def _both(pair: tuple[Row, Row]) -> tuple[dict[str, float], dict[str, float]]:
    row, generation = pair
    return measure(row, generation), _codebleu(row["middle"], row["middle"])


def _codebleu(middle: str, completion: str) -> dict[str, float]:
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


def _mapped(pairs: Sequence[tuple[Row, Row]]) -> Iterator[tuple[dict[str, float], dict[str, float]]]:
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    processes = min(processors, len(pairs) // _PER_PROCESS, _MOST)
    if processes < 2:
        yield from map(_both, pairs)
        return
    # a forked copy of a process that uses threads or a GPU can hang
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        try:
            yield from pool.map(_both, pairs, chunksize=_CHUNK)
        except BrokenProcessPool as error:
            raise JobError(
                "a process that scores completions was killed, probably for lack of memory; run again on a machine with more"
            ) from error
