"""What other files can see of a Java file: its types with the signatures of what is public or protected, without bodies.

Annotations, comments and initial values are left out; each declaration takes one line.
"""

from bisect import bisect_left
from collections.abc import Iterator

from tree_sitter import Node, Query

from fimsmith import java

_LINES = 200  # most of one type; a class of ten thousand constants helps nobody
_DEPTH = 3  # types inside of types
_TYPES = {
    "class_declaration",
    "interface_declaration",
    "enum_declaration",
    "record_declaration",
    "annotation_type_declaration",
}
_FIELDS = {"field_declaration", "constant_declaration"}
_METHODS = {"method_declaration", "constructor_declaration", "annotation_type_element_declaration"}
_OPEN = {"interface_body", "annotation_type_body"}  # what is in them is public without saying so
_LEFT_OUT = Query(java.LANGUAGE, "[(annotation) (marker_annotation) (line_comment) (block_comment)] @out")


def signatures(text: str) -> list[dict[str, str]]:
    """Return `package`, `type` and `signature` (lines) of each top-level type of a Java file, in order."""
    source = text.encode()
    tree = java.tried(source)
    if tree is None:
        return []
    root = tree.root_node
    file = _File(source, root)
    package = next(
        (file.code(node)[len("package") : -1] for node in root.children if node.type == "package_declaration"), ""
    )
    return [
        {
            "package": "".join(package.split()),
            "type": file.name(node),
            "signature": "\n".join(file.lines(node)),
        }
        for node in root.children
        if node.type in _TYPES and file.name(node)
    ]


class _File:
    """The source of one file, to be read without annotations and comments."""

    def __init__(self, source: bytes, root: Node):
        self._source = source
        out = java.captures(_LEFT_OUT, root).get("out", [])
        self._out = sorted(node.byte_range for node in out)

    def lines(self, node: Node) -> list[str]:
        """Return a type's header, members and closing brace."""
        body = list(self._members(node, 1))
        return [self._header(node), *body[:_LINES], "}"]

    def name(self, node: Node) -> str:
        """Return a declaration's name; empty where it could not be parsed."""
        name = node.child_by_field_name("name")
        return self._source[name.start_byte : name.end_byte].decode() if name else ""

    def code(self, node: Node, end: int | None = None) -> str:
        """Return a node's text on one line, up to a byte when one is given."""
        start, end = node.start_byte, node.end_byte if end is None else end
        parts = []
        for left, right in self._out[bisect_left(self._out, (start, start)) :]:
            if left >= end:
                break
            parts.append(self._source[start:left])
            start = max(start, right)
        parts.append(self._source[start:end])
        line = " ".join(b" ".join(parts).decode().split())
        return line.replace("( ", "(").replace(" ,", ",").replace(" )", ")")

    def _header(self, node: Node) -> str:
        body = node.child_by_field_name("body")
        return self.code(node, body.start_byte if body else None) + " {"

    def _members(self, node: Node, depth: int) -> Iterator[str]:
        body, indent = node.child_by_field_name("body"), "    " * depth
        if body is None:
            return
        if constants := [self.name(child) for child in body.children if child.type == "enum_constant"]:
            yield f"{indent}{', '.join(constants)};"
        for member in _children(body):
            if not _visible(member, body.type in _OPEN):
                continue
            if member.type in _TYPES and depth < _DEPTH:
                yield indent + self._header(member)
                yield from self._members(member, depth + 1)
                yield indent + "}"
            elif member.type in _METHODS | _FIELDS and not member.has_error:
                yield indent + (self._field(member) if member.type in _FIELDS else self._method(member))

    def _field(self, node: Node) -> str:
        declarators = node.children_by_field_name("declarator")
        names = []
        for each in declarators:
            brackets = each.child_by_field_name("dimensions")
            names.append(self.name(each) + (self.code(brackets) if brackets else ""))
        return f"{self.code(node, declarators[0].start_byte)} {', '.join(names)};"

    def _method(self, node: Node) -> str:
        ends = [
            child.start_byte for child in node.children if child.type in ("block", "constructor_body", "default", ";")
        ]
        return self.code(node, min(ends, default=node.end_byte)) + ";"


def _children(body: Node) -> Iterator[Node]:
    for child in body.named_children:
        if child.type == "enum_body_declarations":
            yield from child.named_children
        else:
            yield child


def _visible(member: Node, by_default: bool) -> bool:
    for child in member.children:
        if child.type == "modifiers":
            words = {word.type for word in child.children}
            return "private" not in words if by_default else not words.isdisjoint(("public", "protected"))
    return by_default
