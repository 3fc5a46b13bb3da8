"""Where each variable's value comes from in a piece of Java: the fourth part of CodeBLEU.

The rules are those of CodeBLEU's Java extractor (Ren et al. 2020, arXiv:2009.10297; GraphCodeBERT,
arXiv:2009.08366) as codebleu 0.7.0 applies them, oddities included, so that scores can be compared
with published ones. Three things differ: sources are ordered by their place in the text and not by
hash, text is cut by bytes and not by characters, and degenerate code cannot make it run for hours.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from tree_sitter import Node

from fimsmith import java

COMES_FROM, COMPUTED_FROM = "comesFrom", "computedFrom"
_WHOLE = frozenset(("string_literal", "character_literal"))  # nodes with children that count as one token
_DEEPEST = 300  # levels of a tree; a deeper one (hundreds of nested brackets) has no flow
_LOOPS = 6  # nested loops that are walked twice; twice for each of forty would never end

States = dict[str, tuple[int, ...]]  # variable -> tokens that last set it
Flow = tuple[str, str, tuple[str, ...]]  # variable, relation, sources; names replaced by numbers


@dataclass(slots=True)
class _Edge:
    """One token that takes its value from others."""

    token: int
    relation: str
    sources: tuple[int, ...]


def flows(source: bytes) -> list[Flow]:
    """Return the data flow of Java code with variables numbered in order of appearance."""
    walk = _Walk(java.parse(source).root_node, source)
    merged = _by_token(walk.edges)
    used = {token for edge in merged if edge.sources for token in (edge.token, *edge.sources)}
    numbers: dict[str, str] = {}
    found = []
    for edge in merged:
        if edge.token not in used:
            continue
        names = dict.fromkeys(walk.texts[token] for token in edge.sources)
        for name in (*names, walk.texts[edge.token]):
            numbers.setdefault(name, f"var_{len(numbers)}")
        found.append((numbers[walk.texts[edge.token]], edge.relation, tuple(numbers[name] for name in names)))
    return found


def match(reference: bytes, candidate: bytes) -> tuple[int, int]:
    """Return how many flows of the reference the candidate has too, and how many there are."""
    wanted = Counter(flows(reference))
    return (wanted & Counter(flows(candidate))).total(), wanted.total()


def _by_token(edges: Iterable[_Edge]) -> list[_Edge]:
    """One edge per token, in the order of the text: all its sources, and the relation found last."""
    merged: dict[int, _Edge] = {}
    for edge in sorted(edges, key=lambda edge: edge.token):
        known = merged.get(edge.token)
        merged[edge.token] = edge if known is None else _union(known, edge)
    return list(merged.values())


def _union(one: _Edge, other: _Edge) -> _Edge:
    return _Edge(other.token, other.relation, tuple(sorted({*one.sources, *other.sources})))


class _Walk:
    """One pass over a tree that collects edges."""

    def __init__(self, root: Node, source: bytes):
        self.edges: list[_Edge] = []
        self.texts: list[str] = []  # of the tokens
        self._tokens: dict[tuple[int, int], int] = {}  # byte span -> token
        self._loops = 0
        self._rules = {
            "variable_declarator": self._declaration,
            "assignment_expression": self._assignment,
            "update_expression": self._update,
            "if_statement": self._branch,
            "for_statement": self._for,
            "enhanced_for_statement": self._for_each,
            "while_statement": self._while,
        }
        if _depth(root) <= _DEEPEST:
            for leaf in _leaves(root):
                self._tokens[_span(leaf)] = len(self.texts)
                self.texts.append(source[leaf.start_byte : leaf.end_byte].decode("utf-8", "replace"))
            self._visit(root, {})

    def _visit(self, node: Node, states: States) -> States:
        """Add the node's edges and return which tokens set each variable after it."""
        if _is_leaf(node):
            return self._leaf(node, states)
        rule = self._rules.get(node.type)
        return rule(node, states) if rule else self._each(node.children, states)

    def _each(self, nodes: Iterable[Node], states: States) -> States:
        for node in nodes:
            states = self._visit(node, states)
        return states

    def _leaf(self, node: Node, states: States) -> States:
        token = self._tokens[_span(node)]
        text = self.texts[token]
        if node.type == text:  # a keyword or an operator
            return states
        self.edges.append(_Edge(token, COMES_FROM, states.get(text, ())))
        return {**states, text: (token,)} if text not in states and node.type == "identifier" else states

    def _declaration(self, node: Node, states: States) -> States:
        value = node.child_by_field_name("value")
        if value is not None:
            return self._set(node.child_by_field_name("name"), value, COMES_FROM, self._visit(value, states))
        names = self._variables(node.child_by_field_name("name"))
        self.edges += [_Edge(token, COMES_FROM, ()) for token in names]
        return {**states, **{self.texts[token]: (token,) for token in names}}

    def _assignment(self, node: Node, states: States) -> States:
        right = node.child_by_field_name("right")
        if right is not None:
            states = self._visit(right, states)
        return self._set(node.child_by_field_name("left"), right, COMPUTED_FROM, states)

    def _update(self, node: Node, states: States) -> States:
        return self._set(node, node, COMPUTED_FROM, states)

    def _set(self, target: Node | None, value: Node | None, relation: str, states: States) -> States:
        """Every variable of the target takes its value from every variable of the value."""
        names, sources = self._variables(target), self._variables(value)
        self.edges += [_Edge(token, relation, (source,)) for token in names for source in sources]
        return {**states, **{self.texts[token]: (token,) for token in names}}

    def _branch(self, node: Node, states: States) -> States:
        """From the first `else` or nested `if` on, children start from the state before the statement."""
        inside, ends, apart = states, [], False
        for child in node.children:
            apart = apart or child.type in ("else", "if_statement")
            if apart:
                ends.append(self._visit(child, states))
            else:
                inside = self._visit(child, inside)
        if not any(child.type == "else" for child in node.children):
            ends.append(states)
        merged: dict[str, set[int]] = {}
        for end in (*ends, inside):
            for name, tokens in end.items():
                merged.setdefault(name, set()).update(tokens)
        return {name: tuple(sorted(tokens)) for name, tokens in merged.items()}

    def _for(self, node: Node, states: States) -> States:
        kinds = [child.type for child in node.children]
        first = kinds.index("local_variable_declaration") + 1 if "local_variable_declaration" in kinds else len(kinds)
        return self._loop([node.children, node.children[first:]], states)

    def _while(self, node: Node, states: States) -> States:
        return self._loop([node.children, node.children], states)

    def _loop(self, rounds: list[list[Node]], states: States) -> States:
        start = self._enter()
        for nodes in rounds if self._loops <= _LOOPS else rounds[:1]:
            states = self._each(nodes, states)
        self._leave(start)
        return states

    def _for_each(self, node: Node, states: States) -> States:
        name, value, body = (node.child_by_field_name(field) for field in ("name", "value", "body"))
        start = self._enter()
        for _ in range(2 if self._loops <= _LOOPS else 1):
            states = self._each([value] if value else [], states)
            states = self._set(name, value, COMPUTED_FROM, states)
            states = self._each([body] if body else [], states)
        self._leave(start)
        return states

    def _enter(self) -> int:
        self._loops += 1
        return len(self.edges)

    def _leave(self, start: int) -> None:
        """Join what the rounds of a loop found for the same token and relation."""
        self._loops -= 1
        joined: dict[tuple[int, str], _Edge] = {}
        for edge in self.edges[start:]:
            key = (edge.token, edge.relation)
            joined[key] = _union(joined[key], edge) if key in joined else edge
        self.edges[start:] = joined.values()

    def _variables(self, node: Node | None) -> list[int]:
        """The tokens of a node that are not keywords or operators."""
        if node is None:  # the parser could not tell what is missing here
            return []
        tokens = [(leaf, self._tokens[_span(leaf)]) for leaf in _leaves(node)]
        return [token for leaf, token in tokens if leaf.type != self.texts[token]]


def _is_leaf(node: Node) -> bool:
    return node.child_count == 0 or node.type in _WHOLE


def _span(node: Node) -> tuple[int, int]:
    return node.start_byte, node.end_byte


def _leaves(node: Node) -> Iterable[Node]:
    stack = [node]
    while stack:
        here = stack.pop()
        if _is_leaf(here):
            yield here
        else:
            stack.extend(reversed(here.children))


def _depth(root: Node) -> int:
    deepest, stack = 0, [(root, 1)]
    while stack:
        node, level = stack.pop()
        deepest = max(deepest, level)
        stack.extend((child, level + 1) for child in node.children)
    return deepest
