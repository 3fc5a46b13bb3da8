"""Recognise Java files that teach little: fields with their accessors, and tables of constants.

Every file is looked at in a few places first, so that only those that may be such a file cost a closer look.
"""

import re

from tree_sitter import Node

from fimsmith import java

_PLACE, _PLACES = 800, 6  # characters that are looked at together, and how often in a long table
_ACCESSOR = re.compile(r" (?:get|is|set|with)[A-Z]\w*\([^()]*\)\s*\{")
_OBJECT = re.compile(r" (?:equals|hashCode|toString)\(")
_LEAST_ACCESSORS = 4
_MOST_STATEMENTS = 3  # per accessor

_GETTER = re.compile(rb"(?:get|is)[A-Z0-9_]")
_SETTER = re.compile(rb"(?:set|with)[A-Z0-9_]")
_OBJECT_METHODS = {b"equals", b"canEqual", b"hashCode", b"toString"}
_VALUES = {"identifier", "field_access", "this", "true", "false", "ternary_expression", "object_creation_expression"}
_COMMENTS = {"line_comment", "block_comment"}
_TYPES = {"class_declaration", "interface_declaration", "enum_declaration", "record_declaration"}

_CONSTANT = (
    r"\"(?:[^\"\\\n]|\\.)*+\"|'(?:[^'\\\n]|\\.)*+'|[0-9][\w.]*+|[A-Z][A-Z0-9_$]*+\b|null\b|true\b|false\b|new \w++"
)
_LINE = re.compile(  # of constants only, or the declaration of one
    r"^(?:[ \t]*+(?:public |private |protected |static |final )*+[\w.<>\[\]]++ \w++(?:\[\])?+ *+= *+)?+"
    rf"(?:[- \t\r{{}}()\[\],;:+|]|{_CONSTANT})++(?://[^\n]*)?$",
    re.MULTILINE,
)
_TELLING = re.compile(r"[\"0-9']|[A-Z]{2}")  # a line of brackets is no constant
_LEAST_LINES, _LEAST_SHARE = 100, 0.7  # of a table: lines of constants, and their share of all characters


def kind(text: str) -> str | None:
    """Return `accessors` or `constants` for a file that holds hardly anything else, or None."""
    if _may_be_constants(text) and _mostly_constants(text):
        return "constants"
    return "accessors" if _may_be_accessors(text) and _only_accessors(text) else None


def _may_be_constants(text: str) -> bool:
    """Whether the middle of the text belongs to a table, as it must where most of the text does."""
    middle = text[len(text) // 2 :][:_PLACE]
    return "return " not in middle and " * " not in middle and _constants(middle)[1] > len(middle) / 2


def _mostly_constants(text: str) -> bool:
    """Whether there are enough lines of constants; of a long text a few places stand for the whole."""
    looked_at = text
    if (step := len(text) // _PLACES) > _PLACE:
        places = (text[start : start + _PLACE] for start in range(0, len(text), step))
        looked_at = "\n".join(place.partition("\n")[2].rpartition("\n")[0] for place in places)  # whole lines
    lines, characters = _constants(looked_at)
    return lines * len(text) >= _LEAST_LINES * len(looked_at) and characters >= _LEAST_SHARE * len(looked_at)


def _constants(text: str) -> tuple[int, int]:
    """How many lines hold nothing but constants, and their characters."""
    found = [len(line[0]) + 1 for line in _LINE.finditer(text) if _TELLING.search(line[0])]
    return len(found), sum(found)


def _may_be_accessors(text: str) -> bool:
    """Whether there are accessors, and neither loops nor exceptions, in two places behind the fields and in all."""
    for place in (text[-_PLACE:], text[len(text) * 2 // 3 :][:_PLACE]):
        if _has_logic(place) or not (" get" in place or " set" in place or "toString" in place):
            return False
        if len(_ACCESSOR.findall(place)) * _MOST_STATEMENTS < place.count(";") and not _OBJECT.search(place):
            return False
    return not _has_logic(text) and len(_ACCESSOR.findall(text)) >= _LEAST_ACCESSORS


def _has_logic(text: str) -> bool:
    return "throw new " in text or "for (" in text or "try {" in text


def _only_accessors(text: str) -> bool:
    """Whether all types are classes of fields and methods that do nothing but get, set, compare and print them."""
    tree = java.tried(text.encode())
    if tree is None or tree.root_node.has_error:
        return False
    types = [node for node in tree.root_node.named_children if node.type in _TYPES]
    return bool(types) and _are_plain(types)


def _are_plain(members: list[Node]) -> bool:
    """Whether members of a file or class, and those of the classes among them, hold no logic."""
    waiting = list(members)
    while waiting:
        member = waiting.pop()
        body = member.child_by_field_name("body") if member.type == "class_declaration" else None
        if body is not None:
            waiting += body.named_children
        elif not _is_plain(member):
            return False
    return True


def _is_plain(member: Node) -> bool:
    """Whether a member other than a class holds no logic; fields hold some where they have a body."""
    if member.type == "field_declaration":
        return b"{" not in (member.text or b"")
    if member.type == "constructor_declaration":
        return all(map(_is_assignment, _statements(member)))
    if member.type == "method_declaration":
        return _is_accessor(member)
    return member.type in _COMMENTS


def _is_accessor(method: Node) -> bool:
    name = method.child_by_field_name("name")
    written = name.text if name is not None and name.text else b""
    statements = _statements(method)
    if written in _OBJECT_METHODS:
        return True
    if _GETTER.match(written):
        return len(statements) == 1 and _is_return(statements[0])
    if not _SETTER.match(written) or not statements:
        return False
    *first, last = statements
    return all(map(_is_assignment, first)) and (_is_assignment(last) or (bool(first) and _is_return(last)))


def _statements(method: Node) -> list[Node]:
    body = method.child_by_field_name("body")
    return [node for node in body.named_children if node.type not in _COMMENTS] if body is not None else []


def _is_return(statement: Node) -> bool:
    return (
        statement.type == "return_statement" and bool(statement.named_children) and _is_value(statement.named_child(0))
    )


def _is_assignment(statement: Node) -> bool:
    """Whether a statement gives a field a value, or passes values on to another constructor."""
    if statement.type == "explicit_constructor_invocation":
        return True
    inner = statement.named_child(0) if statement.type == "expression_statement" else None
    return inner is not None and inner.type == "assignment_expression" and _is_value(inner.child_by_field_name("right"))


def _is_value(node: Node | None) -> bool:
    return node is not None and (node.type in _VALUES or node.type.endswith("_literal"))
