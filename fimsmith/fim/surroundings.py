"""Fit what stands before and after a hole into a sequence, and what other files show in front of it.

The middle is never cut; the block of other files is cut first, then prefix and suffix at line ends.
"""

from typing import NamedTuple

from fimsmith import config
from fimsmith.documents import Document
from fimsmith.fim.context import Block
from fimsmith.fim.spans import Hole

Side = tuple[bytes, int]  # packed ids of a context, and where it ends in the file


class Prefix(NamedTuple):
    """A prefix: its packed ids, where its code starts in the file, and the block in front with the tokens it adds."""

    ids: bytes
    start: int
    block: str = ""
    context: int = 0


class Shown(NamedTuple):
    """What a prefix gets of other files, where there is something."""

    block: bool = False
    similar: bool = False  # code, in the block


class Surroundings:
    """The prefixes and suffixes of one file."""

    def __init__(self, section: config.Fim, document: Document, block: Block | None):
        self._section, self._tokenizer, self._document, self._block = section, document.tokenizer, document, block

    def both(self, hole: Hole, shown: Shown) -> tuple[Prefix, Side]:
        """Return prefix and suffix; what one side does not use goes to the other."""
        document, width = self._document, self._document.width
        room = self._section.sequence - self._tokenizer.format.overhead - len(hole.middle) // width
        path = self._path(shown.block, room)
        room -= path
        prefix = document.before(hole.start, int(room * self._section.prefix_context))
        suffix = document.after(hole.end, room - len(prefix[0]) // width)
        if prefix[1] > 0 and suffix[1] == len(document.text):
            prefix = document.before(hole.start, room - len(suffix[0]) // width)
        free = room - (len(prefix[0]) + len(suffix[0])) // width
        return self._led(hole, prefix, path and path + free, shown.similar), suffix

    def before(self, hole: Hole, shown: Shown) -> Prefix:
        """Return the prefix of a sample without a suffix."""
        width = self._document.width
        room = self._section.sequence - len(self._tokenizer.format.start) - 1 - len(hole.middle) // width
        path = self._path(shown.block, room)
        prefix = self._document.before(hole.start, room - path)
        free = room - path - len(prefix[0]) // width
        return self._led(hole, prefix, path and path + free, shown.similar)

    def _path(self, shown: bool, room: int) -> int:
        """The tokens kept free for the file's path; 0 where it would take too many, and then there is no block."""
        tokens = self._block.path[1] if shown and self._block else 0
        return tokens if tokens <= min(self._section.context.tokens, room // 2) else 0

    def _led(self, hole: Hole, prefix: Side, room: int, similar: bool) -> Prefix:
        """The prefix behind its block, which may take the path's tokens and what the code leaves free: `room`."""
        most = min(self._section.context.tokens, room)
        code = self._document.text[prefix[1] : hole.start]
        lines = self._block.lines(hole.start, hole.end, most, similar) if most and self._block else []
        while lines:  # where tokens reach over line ends, there may be more of them than the lines have alone
            block = "".join(lines)
            ids = self._tokenizer.joined(block + code)
            added = (len(ids) - len(prefix[0])) // self._document.width
            if added <= most:
                return Prefix(ids, prefix[1], block, added)
            lines.pop()
        return Prefix(*prefix)
