"""Files as token ids, ready to be cut anywhere."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

import numpy as np

from fimsmith import pretokens
from fimsmith.pieces import PieceTable
from fimsmith.tokenizer import SourceTokenizer

_LONGEST = 6  # characters per token from which a line is taken not to fit, without encoding it


class LineDocument:
    """A file under a tokenizer that is known to split at line ends."""

    def __init__(self, tokenizer: SourceTokenizer, text: str, ids: bytes, lines: tuple[list[int], list[int]]):
        """`ids` are packed; `lines` says where each line starts, and the end: in bytes of them, and in characters."""
        self.text, self.tokenizer, self.width = text, tokenizer, tokenizer.dtype.itemsize
        self._ids, (self._bytes, self._starts) = ids, lines
        self._lead = tokenizer.splits.lead if tokenizer.splits else 0

    def cut(self, start: int, end: int) -> bytes:
        """Return the packed ids of text[start:end] (characters)."""
        first, last = self._row(start), self._row(end)
        if first == last:
            return self.tokenizer.packed(self.text[start:end])
        tail = self.tokenizer.packed(self.text[self._starts[last] : end])
        return self._head(first, start) + self._ids[self._bytes[first + 1] : self._bytes[last]] + tail

    def before(self, position: int, room: int) -> tuple[bytes, int]:
        """Return the packed form of at most `room` ids that end at a position, and the character they start at.

        That is the start of a line, unless the line before the position does not fit.
        """
        row, space = self._row(position), room * self.width
        start = self._starts[row]
        tail = self.tokenizer.packed(self.text[start:position]) if position - start <= _LONGEST * room else None
        if tail is not None and len(tail) <= space:
            here = self._bytes[row]
            first = bisect_left(self._bytes, here + len(tail) - space, 0, row)
            if not (first and self._lead) and (tail or first < row):
                return self._ids[self._bytes[first] : here] + tail, self._starts[first]
            for line in range(first, row + (position > start)):  # without the line feed a line may need more
                ids = self.cut(self._starts[line] + self._lead, position)
                if len(ids) <= space:
                    return ids, self._starts[line] + self._lead
        return _shrink(self.tokenizer, self.text, (position, room), back=True)

    def after(self, position: int, room: int) -> tuple[bytes, int]:
        """Return the packed form of at most `room` ids that begin at a position, and the character they end at.

        That is the end of a line, unless the line after the position does not fit.
        """
        if position == len(self.text):
            return b"", position
        row, space = self._row(position), room * self.width
        head = self._head(row, position) if self._starts[row + 1] - position <= _LONGEST * room else None
        if head is not None:
            here, rows = self._bytes[row + 1], len(self._starts) - 1
            if len(head) + len(self._ids) - here <= space:
                return head + self._ids[here:], len(self.text)
            lead = self.tokenizer.packed("\n" * self._lead)
            last = bisect_right(self._bytes, here + space - len(head) - len(lead), row + 1, rows) - 1
            if last > row:
                return head + self._ids[here : self._bytes[last]] + lead, self._starts[last] + self._lead
        return _shrink(self.tokenizer, self.text, (position, room), back=False)

    def __len__(self) -> int:
        return len(self._ids) // self.width

    def _row(self, position: int) -> int:
        return bisect_right(self._starts, position) - 1

    def _head(self, row: int, start: int) -> bytes:
        """The packed ids from a character to the end of its line."""
        if start == self._starts[row]:
            return self._ids[self._bytes[row] : self._bytes[row + 1]]
        return self.tokenizer.packed(self.text[start : self._starts[row + 1]])


class WholeDocument:
    """A file under any other tokenizer: every piece is encoded by itself."""

    def __init__(self, tokenizer: SourceTokenizer, text: str):
        self.text, self.tokenizer, self.width = text, tokenizer, tokenizer.dtype.itemsize
        self._tokens = tokenizer.starts(text)  # only to guess how much text fits into a room

    def cut(self, start: int, end: int) -> bytes:
        """Return the packed ids of text[start:end] (characters)."""
        return self.tokenizer.packed(self.text[start:end])

    def before(self, position: int, room: int) -> tuple[bytes, int]:
        """Return the packed form of at most `room` ids that end at a position, and the character they start at."""
        first = bisect_left(self._tokens, position) - room
        while True:
            newline = -1
            if first > 0:
                newline = self.text.find("\n", max(self._character(first) - 1, 0), position)
                if newline < 0:
                    return _shrink(self.tokenizer, self.text, (position, room), back=True)
            ids = self.cut(newline + 1, position)
            over = len(ids) // self.width - room
            if over <= 0:
                return ids, newline + 1
            first = max(first, 0) + over

    def after(self, position: int, room: int) -> tuple[bytes, int]:
        """Return the packed form of at most `room` ids that begin at a position, and the character they end at."""
        last = bisect_left(self._tokens, position) + room
        while True:
            end = len(self.text)
            if last < len(self._tokens):
                end = self.text.rfind("\n", position, self._character(last)) + 1
                if end <= position:
                    return _shrink(self.tokenizer, self.text, (position, room), back=False)
            ids = self.cut(position, end)
            over = len(ids) // self.width - room
            if over <= 0:
                return ids, end
            last = min(last, len(self._tokens)) - over

    def __len__(self) -> int:
        return len(self._tokens)

    def _character(self, token: int) -> int:
        return self._tokens[token] if 0 <= token < len(self._tokens) else len(self.text) * (token > 0)


Document = LineDocument | WholeDocument


def encoded(tokenizer: SourceTokenizer, texts: Sequence[str]) -> list[Document]:
    """Encode whole files; much faster together than one by one, where the tokenizer's pieces can be found together."""
    splits, table = tokenizer.splits, tokenizer.table
    if splits is None:
        return [WholeDocument(tokenizer, text) for text in texts]
    if table is None:
        return [_by_line(tokenizer, text, splits) for text in texts]
    together = _together(tokenizer, [text for text in texts if text.isascii()], table)
    return [next(together) if text.isascii() else _by_line(tokenizer, text, splits) for text in texts]


def _by_line(tokenizer: SourceTokenizer, text: str, splits: pretokens.Splits) -> LineDocument:
    lines = splits.lines.findall(text)
    parts = tokenizer.lines(lines)
    places = [0, *accumulate(map(len, parts))], [0, *accumulate(map(len, lines))]
    return LineDocument(tokenizer, text, b"".join(parts), places)


def _together(tokenizer: SourceTokenizer, texts: Sequence[str], table: PieceTable) -> Iterator[LineDocument]:
    """ASCII texts; between two of them stands a line feed, which is a piece of its own."""
    data = "\n".join(texts).encode()
    starts, bounds, ids = table.ids(data)
    bounds, packed = bounds * ids.itemsize, ids.tobytes()
    feeds = np.flatnonzero(np.frombuffer(data, np.uint8)[starts] == ord("\n"))
    lines, places = starts[feeds] + 1, bounds[feeds + 1]  # behind the line feeds
    start = 0
    for text in texts:
        end = start + len(text)
        low, high = bounds[np.searchsorted(starts, (start, end))].tolist()
        rows = slice(*np.searchsorted(lines, (start + 1, end + 1)))
        in_bytes, in_characters = [0, *(places[rows] - low).tolist()], [0, *(lines[rows] - start).tolist()]
        if in_characters[-1] < len(text):  # no line feed at the end
            in_bytes.append(high - low)
            in_characters.append(len(text))
        yield LineDocument(tokenizer, text, packed[low:high], (in_bytes, in_characters))
        start = end + 1


def _shrink(tokenizer: SourceTokenizer, text: str, limit: tuple[int, int], back: bool) -> tuple[bytes, int]:
    """Take about as many characters on one side of a position as fit into a room; for lines longer than the room.

    The first few tell how many tokens characters have here: encoding many more than fit would cost more than all else.
    """
    position, room = limit
    most, space = position if back else len(text) - position, room * tokenizer.dtype.itemsize
    length, guessed = min(room, most), False
    while length > 0:
        edge = position - length if back else position + length
        ids = tokenizer.packed(text[edge:position] if back else text[position:edge])
        fitting = min(most, length * space * 19 // (20 * max(1, len(ids))))  # 19 of 20: not all is like the first
        if len(ids) <= space and (guessed or fitting <= length):
            return ids, edge
        length, guessed = fitting, True
    return b"", position
