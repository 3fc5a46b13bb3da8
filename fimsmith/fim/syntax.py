"""What the syntax tree of a Java file offers as holes, and where no hole may be.

All positions are characters, half open.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from functools import cached_property

from tree_sitter import Node, Query

from fimsmith import java

Range = tuple[int, int]

_COMMENTS = ("line_comment", "block_comment")
_NO_STATEMENTS = (*_COMMENTS, "switch_label")  # among the children of a block
_LARGE = 1 << 16  # characters
_DEEP = 500  # levels: no code that a person wrote has as many
_VISIBLE = re.compile(r"\S")
_QUERY = Query(
    java.LANGUAGE,
    """
    [(block) (constructor_body) (switch_block_statement_group)] @siblings
    (method_declaration body: (block) @body)
    (constructor_declaration body: (constructor_body) @body)
    (compact_constructor_declaration body: (block) @body)
    (block) @block
    [(if_statement) (for_statement) (enhanced_for_statement) (while_statement) (do_statement)
     (switch_expression) (try_statement) (try_with_resources_statement)] @control
    [(array_access) (array_creation_expression) (assignment_expression) (binary_expression) (cast_expression)
     (field_access) (instanceof_expression) (lambda_expression) (method_invocation) (method_reference)
     (object_creation_expression) (ternary_expression) (unary_expression)] @expression
    (argument_list) @arguments
    [(field_declaration) (constant_declaration)] @field
    [(method_declaration) (constructor_declaration) (compact_constructor_declaration) (class_declaration)
     (interface_declaration) (enum_declaration) (record_declaration) (annotation_type_declaration)] @declaration
    [(class_body) (interface_body) (enum_body) (annotation_type_body)] @members
    (line_comment) @comment
    (block_comment) @document
    """,
)


class Syntax:
    """One parsed Java file.

    `head` ends the part that holds only the package, the imports and the licence.
    """

    def __init__(self, text: str):
        self.text = text
        self.offsets = java.Offsets(text)
        source = text.encode()
        tree = java.tried(source)
        errors = [] if tree is None else java.errors(tree)
        if tree is None or (len(text) > _LARGE and 2 * sum(end - start for start, end in errors) > len(source)):
            errors, tree = [(0, len(source))], java.parse(b"")  # what takes too long to search is one error
        self._root = tree.root_node
        self._errors = self._error_ranges(errors, len(source))
        self._error_starts = [start for start, _ in self._errors]
        self._captured = java.captures(_QUERY, self._root)
        self._nodes: dict[str, list[Range]] = {}
        self.head = self._head()
        self._children: dict[int, list[Range]] = {}
        self._statements: dict[int, list[Range]] = {}

    @cached_property
    def blocks(self) -> list[Node]:
        """What holds statements, or comments."""
        filled = (block for block in self._captured.get("siblings", []) if block.named_child_count)
        return sorted(filled, key=lambda block: block.byte_range)

    def statements(self, block: Node) -> list[Range]:
        """Return the statements of a block."""
        found = self._statements.get(block.id)
        if found is None:
            children = (child for child in block.named_children if child.type not in _NO_STATEMENTS)
            found = self._statements[block.id] = self._ranges(children)
        return found

    def nodes(self, kind: str) -> list[Range]:
        """Return the ranges of a kind of config.Kinds other than `statements`."""
        found = self._nodes.get(kind)
        if found is None:
            found = self._nodes[kind] = self._find(kind)
        return found

    def touches_error(self, start: int, end: int) -> bool:
        """Whether a range overlaps or borders on something that could not be parsed."""
        after = bisect_right(self._error_starts, end)
        return after > 0 and self._errors[after - 1][1] >= start

    def aligned(self, start: int, end: int) -> Range:
        """Return the run of sibling nodes closest to a range: among the children of the smallest node around it,
        the contiguous ones with the largest intersection over union (aligned-span masking of AST-FIM, arXiv:2506.00204).
        Where nodes are nested too deep to look for it, the range itself.
        """
        byte = self.offsets.bytes
        node = self._around(byte(start), byte(end))
        if node is None:
            return start, end
        children = self._children.get(node.id)
        if children is None:
            children = self._children[node.id] = self._ranges(node.children)
        first = bisect_right(children, start, key=lambda child: child[1])
        last = bisect_left(children, end, key=lambda child: child[0]) - 1
        if first > last:  # a leaf, or the gap between two children
            return self._range(node)
        # the children inside belong to the run; each of the two at its ends may or may not
        runs = [
            (children[a][0], children[b][1]) for a in (first, first + 1) for b in (last, last - 1) if first <= a <= b
        ]
        return max(runs, key=lambda run: _overlap(run, (start, end)))

    def _around(self, start: int, end: int) -> Node | None:
        """The smallest node around a range of bytes; finding it costs its depth each time, hence None where that is large."""
        if len(self.text) > _LARGE:
            cursor = self._root.walk()
            while cursor.goto_first_child_for_byte(start) is not None:
                if cursor.depth > _DEEP:
                    return None
        return self._root.descendant_for_byte_range(start, end) or self._root

    def _find(self, kind: str) -> list[Range]:
        if kind == "block":
            bodies = set(self._caught("body"))
            return [block for block in self._caught("block") if block not in bodies]
        if kind == "signature":
            return self._signatures()
        if kind == "comment":
            return list(filter(None, map(self._commented, self._caught("comment"))))
        return self._caught(kind)

    def _caught(self, name: str) -> list[Range]:
        """What the query caught by a name, sorted: the cursor's own order changes from run to run."""
        return sorted(self._ranges(self._captured.get(name, [])))

    def _range(self, node: Node) -> Range:
        return self._ranges([node])[0]

    def _ranges(self, nodes: Iterable[Node]) -> list[Range]:
        return self.offsets.ranges([node.byte_range for node in nodes])

    def _error_ranges(self, errors: list[Range], size: int) -> list[Range]:
        character, found = self.offsets.characters, []
        for start, end in errors:
            reach = max(found[-1][1] if found else 0, character(min(end, size)))  # ends never fall: searched by start
            found.append((character(min(start, size)), reach))
        return found

    def _signatures(self) -> list[Range]:
        """The part before the body of each declaration that follows a Javadoc comment."""
        documented = set()
        for start, end in self._caught("document"):
            if self.text.startswith("/**", start) and (code := _VISIBLE.search(self.text, end)):
                documented.add(code.start())
        # a declaration's body ends where it ends; of several there (a brace is missing) the first one to start
        braces = self._caught("body") + self._caught("members")
        bodies = {end: start for start, end in sorted(braces, reverse=True)}
        signatures = []
        for start, end in self._caught("declaration"):
            if start in documented:
                body = bodies.get(end, end)
                head = self.text[start : body if body > start else end]
                signatures.append((start, start + len(head.rstrip())))
        return signatures

    def _commented(self, comment: Range) -> Range | None:
        """The code on the line after a line comment that stands alone."""
        start, end = comment
        if self.text[self.text.rfind("\n", 0, start) + 1 : start].strip():
            return None
        newline = self.text.find("\n", end)
        if newline < 0:
            return None
        after = self.text.find("\n", newline + 1)
        line = self.text[newline + 1 : after if after >= 0 else len(self.text)]
        code = line.strip()
        if code.startswith(("//", "/*", "*")):
            return None
        first = newline + 1 + len(line) - len(line.lstrip())
        return first, first + len(code)

    def _head(self) -> int:
        end = 0
        for node in self._root.named_children:
            if node.type in ("package_declaration", "import_declaration"):
                end = self.offsets.characters(node.end_byte)
            elif node.type in _COMMENTS:
                start, stop = self._range(node)
                licence = self.text[start:stop].lower()
                if not self.text[:start].strip() and ("copyright" in licence or "licen" in licence):
                    end = stop
            elif not node.is_error:
                break
        return end


def _overlap(one: Range, other: Range) -> float:
    """Intersection over union of two ranges."""
    common = max(0, min(one[1], other[1]) - max(one[0], other[0]))
    return common / (one[1] - one[0] + other[1] - other[0] - common)
