"""Java texts for the tests: a small class with every kind of hole, and generated ones; and curated rows of them."""

import hashlib
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from fimsmith import records
from fimsmith.corpus.signatures import signatures

EVERY_KIND = """/*
 * Copyright 2026 Example Shop. Licensed under the Apache License, Version 2.0.
 */
package com.example.shop;

import java.util.List;
import java.util.Map;

/**
 * Orders of a member. 会员的订单 😀
 */
public final class Orders<T extends Order> {
    private final List<Order> orders = new ArrayList<>(16);

    Orders(List<Order> first) {
        super();
        this.orders.addAll(first);
    }

    /** Returns the sum. 合计 */
    @Override
    public int total(int base) {
        int sum = base;
        // only what is paid counts
        for (Order order : orders) {
            if (order.paid() && order.amount() > 0) {
                sum += order.amount() * order.price();
            } else {
                log.warn("unpaid: {}", order);
            }
        }
        return sum;
    }

    int days(Month month) {
        switch (month) {
            case FEBRUARY:
                int length = leap ? 29 : 28;
                return length;
            default:
                return 30;
        }
    }
}
"""
BROKEN = """package a;
class A {
    void f() { int x = ; }
    int g(int y) { return y + 1000; }
    void h( { if (x > 1000) { call(x, 12345); } }
    String ok() { return "nothing wrong here" + value(1, 2); }
}
"""


def row(text: str, split: str = "train", kind: str = "java", **more: Any) -> dict[str, Any]:
    """Make one curated row of a text."""
    name = hashlib.sha256(text.encode()).hexdigest()
    return {
        "id": name,
        "source": "shop",
        "group": "business",
        "repository": "shop",
        "path": f"src/{name[:8]}.java",
        "kind": kind,
        "encoding": "utf-8",
        "bytes": len(text.encode()),
        "text": text,
        "cluster": name,
        "split": split,
        **more,
    }


def write_signatures(path: Path, rows: list[dict[str, Any]], per_group: int = 1_000) -> Path:
    """Write the signatures of the training files among curated rows, as the curate stage does."""
    given = sorted((each for each in rows if each["split"] == "train"), key=lambda each: each["repository"])
    with records.Writer(path, records.SIGNATURES, per_group) as writer:
        for each in given:
            for found in signatures(each["text"]):
                writer.add({**each, **found})
    return path


def write_snippets(path: Path, rows: list[dict[str, Any]], per_group: int = 1_000) -> Path:
    """Write the training files among curated rows, as the curate stage does."""
    given = sorted((each for each in rows if each["split"] == "train"), key=lambda each: each["repository"])
    with records.Writer(path, records.SNIPPETS, per_group) as writer:
        for each in given:
            writer.add({name: each[name] for name in records.SNIPPETS.names})
    return path


_WORDS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='"\\*/\u2028\u2029\x85'), max_size=12
)
_NAMES = st.sampled_from(["order", "会员", "größe", "total", "x", "amount2"])


@st.composite
def java_files(draw: st.DrawFn) -> str:
    """A Java file with any Unicode in comments and literals, LF or CRLF, tabs or spaces, perhaps damaged."""
    end, tab = draw(st.sampled_from(["\n", "\r\n"])), draw(st.sampled_from(["\t", "    "]))
    lines = ["package a.b;", "import java.util.*;", f"/** {draw(_WORDS)} */", f"class {draw(_NAMES)} {{"]
    for number in range(draw(st.integers(1, 4))):
        name, word = draw(_NAMES), draw(_WORDS)
        lines += [
            f'{tab}private String {name}{number} = "{word}" + call({number}, {name});',
            f"{tab}int f{number}(int {name}) {{",
            f"{tab * 2}// {draw(_WORDS)}",
            f'{tab * 2}for (int i = 0; i < {name}; i++) {{ {name} += i * "{word}".length(); }}',
            f"{tab * 2}return compute({name}, '好');",
            f"{tab}}}",
        ]
    text = end.join([*lines, "}"]) + draw(st.sampled_from(["", end]))
    for _ in range(draw(st.sampled_from([0, 0, 1, 3]))):
        at = draw(st.integers(0, len(text) - 1))
        text = text[:at] + draw(st.sampled_from(["", "(", "}", "😀", ";;"])) + text[at + 1 :]
    return text
