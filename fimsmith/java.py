"""Parse Java with tree-sitter: shared by the FIM builder and the scores.

Offsets are bytes of the UTF-8 text throughout; `Offsets` converts them to characters.
"""

import numpy as np
import tree_sitter_java
from tree_sitter import Language, Node, Parser, Query, QueryCursor, Tree

LANGUAGE = Language(tree_sitter_java.language())
_PARSER = Parser(LANGUAGE)
# effort is counted in hundreds of the parser's operations: 3,000 files of the JDK take up to 1.7 per 100 bytes
_EFFORT, _BYTES = 1_000, 20
_CHUNK = 1 << 14  # bytes that the parser gets at once
_DEEPEST = 10_000  # levels of a tree; from 65,536 on a query takes time that grows with the square of the file

# the keyword list of CodeXGLUE; `var`, `record` and literals are not in it
_WORDS = """
    abstract assert boolean break byte case catch char class const continue default do double else enum extends final
    finally float for goto if implements import instanceof int interface long native new package private protected
    public return short static strictfp super switch synchronized this throw throws transient try void volatile while
"""
KEYWORDS = frozenset(_WORDS.split())


def parse(source: bytes) -> Tree:
    """Return the syntax tree; what cannot be parsed is in ERROR nodes."""
    return _PARSER.parse(source)


def tried(source: bytes) -> Tree | None:
    """Return the syntax tree like parse(); None for text that would keep the parser busy for hours.

    Recovering from some errors takes time that grows with the square of the file; effort, unlike time, is the same everywhere.
    """
    left = _EFFORT + len(source) // _BYTES

    def spent(_offset: int, _has_error: bool) -> bool:
        nonlocal left
        left -= 1
        return left < 0

    try:
        return _PARSER.parse(lambda at, _: source[at : at + _CHUNK], progress_callback=spent)
    except ValueError:
        _PARSER.reset()  # it would go on with this text
        return None


def captures(query: Query, root: Node) -> dict[str, list[Node]]:
    """Return what a query finds, by its names, in no certain order; what is nested too deep is left out."""
    cursor = QueryCursor(query)
    cursor.set_max_start_depth(_DEEPEST)
    return cursor.captures(root)


def errors(tree: Tree) -> list[tuple[int, int]]:
    """Return the byte ranges of the outermost ERROR and MISSING nodes, in order; none is empty."""
    found, stack = [], [tree.root_node]
    while stack:
        node: Node = stack.pop()
        if node.is_error or node.is_missing:
            found.append((node.start_byte, max(node.end_byte, node.start_byte + 1)))
        elif node.has_error:
            stack.extend(reversed(node.children))
    return found


class Offsets:
    """Byte offsets of one text as character offsets, and back."""

    def __init__(self, text: str):
        self._ascii = text.isascii()
        if not self._ascii:
            data = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)
            first = (data & 0xC0) != 0x80  # all but UTF-8 continuation bytes
            self._bytes = np.append(np.flatnonzero(first), len(data)).tolist()
            self._characters = np.append(np.cumsum(first) - 1, len(text)).tolist()

    def characters(self, byte: int) -> int:
        """Return the index of the character that holds a byte."""
        return byte if self._ascii else self._characters[byte]

    def ranges(self, byte_ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Return byte ranges as ranges of characters."""
        if self._ascii:
            return byte_ranges
        characters = self._characters
        return [(characters[start], characters[end]) for start, end in byte_ranges]

    def bytes(self, character: int) -> int:
        """Return the offset of a character's first byte."""
        return character if self._ascii else self._bytes[character]
