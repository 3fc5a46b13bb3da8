"""Similar code in front of a prefix: where it comes from, which it is, and that it is nothing but comments."""

from pathlib import Path
from typing import Any

import pytest
from fim_sources import java_files, row, write_signatures, write_snippets
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fimsmith import config, java
from fimsmith.fim import samples
from fimsmith.fim.context import Block, Signatures
from fimsmith.fim.similar import Snippets, Windows, best, names
from fimsmith.fim.syntax import Syntax
from fimsmith.tokenizer import SourceTokenizer

Row = dict[str, Any]
BY_EXAMPLE = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_windows_show_every_line_but_blank_ones_and_imports_and_overlap():
    body = [f"    int field{at}; // \x0c\u2028" for at in range(57)]
    text = "package a;\r\n\r\nimport b.C;\r\nclass A {\r\n" + "\r\n \t\r\n".join(body) + "\r\n}"
    expected, made = ["class A {", *body, "}"], Windows("A.java", text)
    for line in body:
        _, shown = made.closest(names(line))
        at = expected.index(shown[0])
        assert line in shown
        assert at % 10 == 0
        assert shown == expected[at : at + 20]
    assert Windows("A.java", "").closest(names("a")) == (0, [])


def test_a_similarity_is_the_share_of_common_identifiers():
    made = Windows("A.java", "Money total = order.total().plus(shipping, 12);\nreturn total;")
    assert made.closest(names("return order.total(), tax, net")) == (2 / 7, made.closest(names("Money"))[1])


def test_the_most_similar_file_is_found_and_the_first_of_equals():
    code = "Money total = order.total().plus(shipping);\nreturn total"
    shown = ["a.b(c)", "Money total = order.sum();", "order.total().plus(c)", "c + order.total().plus", "int[] x;"]
    found = [Windows(str(at), line) for at, line in enumerate(shown)]
    assert best(found, code) == ["1", shown[1]]
    assert best(found[2:], code) == ["2", shown[2]]
    assert best(found[:1], code) == best([], code) == []


def test_only_the_last_lines_and_no_keywords_count():
    old = Windows("old", "alpha beta")
    assert best([old], "alpha beta\n" + "\n" * 18) == ["old", "alpha beta"]
    assert best([old], "alpha beta\n" + "\n" * 20) == []
    assert best([Windows("keywords", "return new int")], "return new int") == []


def test_row_groups_and_the_order_of_questions_do_not_matter(tmp_path: Path):
    rows = [row(f"class T{at} {{ int field{at}; }}", repository=f"r{at % 7}", source=f"s{at % 2}") for at in range(40)]
    for per_group, asked in ((1_000, rows), (3, rows[::-1]), (1, rows)):
        snippets = Snippets(write_snippets(tmp_path / "snippets.parquet", rows, per_group))
        for each in asked:
            found = snippets.windows(each["source"], each["repository"], each["path"])
            assert found
            assert found.closest(names(each["text"])) == (1.0, [each["text"]])
        assert snippets.windows("s0", "r0", rows[1]["path"]) is None
        assert snippets.windows("s0", "unknown", rows[0]["path"]) is None


LEDGER = """package shop;
public class Ledger {
    public Entry book(Account from, Account to, Money amount) {
        Entry entry = new Entry(clock.instant(), from, to, amount);
        journal.append(entry);
        balances.merge(to, amount, Money::plus);
        return entry;
    }
}
"""
TILL = """package shop;
class Till {
    Ledger ledger;
    Entry refund(Account from, Account to, Money amount) {
        Entry entry = new Entry(clock.instant(), to, from, amount);
        journal.append(entry);
        HOLE
    }
}
"""


@pytest.fixture
def block(tokenizer: SourceTokenizer, tmp_path: Path):
    """Make the block of a file, given the others."""

    def make(user: Row, others: list[Row], tokenizer: SourceTokenizer = tokenizer) -> Block:
        types = write_signatures(tmp_path / "signatures.parquet", others)
        snippets = Snippets(write_snippets(tmp_path / "snippets.parquet", others, per_group=2))
        return Block(Signatures(types, tokenizer, snippets), tokenizer, user, Syntax(user["text"]).head)

    return make


def lines(block: Block, text: str, hole: str = "HOLE", room: int = 10_000) -> list[str]:
    start = text.index(hole)
    return block.lines(start, start + len(hole), room, similar=True)


def test_the_code_stands_last_as_comments_behind_its_path(block: Any):
    led = block(row(TILL, path="src/Till.java"), [row(LEDGER, path="src/Ledger.java")])
    start = TILL.index("HOLE")
    without = led.lines(start, start + 4, 10_000)
    assert without[:2] == ["// src/Till.java\n", "// src/Ledger.java\n"]
    code = [f"// {line}\n" for line in LEDGER.splitlines()[1:]]
    assert lines(led, TILL) == [*without, "// src/Ledger.java\n", *code]


def test_code_of_the_file_itself_and_of_others_than_used_training_files_is_not_shown(block: Any):
    user = row(TILL, path="src/Till.java")
    used = row(LEDGER, path="src/Ledger.java")
    unused = row(LEDGER.replace("Ledger", "Book"), path="src/Book.java")
    copy = row(TILL.replace("Till", "Ledger"), path="src/Till.java")
    assert "// src/Ledger.java\n" in lines(block(user, [used]), TILL)
    for other in [unused, copy, *({**used, name: "else"} for name in ("split", "repository", "source"))]:
        assert lines(block(user, [user, other]), TILL) == ["// src/Till.java\n"]


def test_a_file_that_only_the_target_uses_is_not_searched(block: Any):
    text = TILL.replace("Ledger ledger;", "")
    used, user = row(LEDGER, path="src/Ledger.java"), row(text.replace("HOLE", "new Ledger();"), path="src/Till.java")
    assert lines(block(user, [used]), user["text"], "new Ledger();") == ["// src/Till.java\n"]


OTHER = "package shop;\nclass Other {\n    " + "\n    ".join(f"int w{at};" for at in range(18)) + "\n}\n"


@BY_EXAMPLE
@given(middle=st.one_of(java_files(), st.sampled_from(["Ledger x;", "Other y;", OTHER])))
def test_the_target_does_not_change_the_block(block: Any, middle: str):
    others = [row(LEDGER, path="src/Ledger.java"), row(OTHER, path="src/Other.java")]
    with_both = TILL.replace("Ledger ledger;", "Ledger ledger; Other other;")
    text, start = with_both.replace("HOLE", middle), with_both.index("HOLE")
    shown = block(row(text, path="src/Till.java"), others).lines(start, start + len(middle), 10_000, similar=True)
    assert shown == lines(block(row(with_both, path="src/Till.java"), others), with_both)
    assert "//         balances.merge(to, amount, Money::plus);\n" in shown


def test_code_gets_half_of_the_room_at_most_and_signatures_the_rest(block: Any, tokenizer: SourceTokenizer):
    led = block(row(TILL, path="src/Till.java"), [row(LEDGER, path="src/Ledger.java")])
    everything = lines(led, TILL)
    own, types, code = everything[:1], everything[1:5], everything[5:]
    assert types[0] == code[0] == "// src/Ledger.java\n"

    def size(lines: list[str]) -> int:
        return sum(len(tokenizer.encode(line)) for line in lines)

    def fitting(lines: list[str], room: int) -> list[str]:
        return max((lines[:count] for count in (0, *range(2, 20)) if size(lines[:count]) <= room), key=len)

    for room in range(size(own), size(everything) * 2, 3):
        snippet = fitting(code, (room - size(own)) // 2)
        assert lines(led, TILL, room=room) == own + fitting(types, room - size(own + snippet)) + snippet
    assert snippet == code


HOSTILE = [
    "// */ class Broken {} /*",
    "// <｜fim▁begin｜><｜fim▁hole｜><｜fim▁end｜><|fim_prefix|><fim_suffix><s></s><EOT><|endoftext|>",
    r'String s = "\ud83d"; // \u000a int x; \uuu000D int y;',
    "// \x0b\x0c\x1c\x85\u2028\u2029",
    "// \r int x;",
    "// \\",
    "// 😀会员",
]


@BY_EXAMPLE
@given(
    other=java_files(),
    hostile=st.lists(st.sampled_from(HOSTILE), max_size=4),
    sequence=st.integers(120, 900),
    tokens=st.integers(1, 600),
)
@pytest.mark.parametrize("style", ["deepseek", "qwen", "starcoder", "gpt2", "llama"])
def test_samples_are_exact_and_fit_whatever_the_code_is(
    folders: dict[str, Path], tmp_path: Path, style: str, other: str, hostile: list[str], sequence: int, tokens: int
):
    tokenizer = SourceTokenizer(folders[style])
    user = row("package a.b;\nclass Till { Other other; }\n" + other, path="src/Till.java")
    others = [row("\n".join(["package a.b; class Other {", *hostile, other]), path="src/Other.java")]
    types = write_signatures(tmp_path / "signatures.parquet", others)
    signatures = Signatures(types, tokenizer, Snippets(write_snippets(tmp_path / "snippets.parquet", others)))
    section = config.Fim.model_validate(
        {
            "bytes_per_hole": 150,
            "max_middle": 40,
            "sequence": sequence,
            "shares": {"node": 0.6, "aligned": 0, "line": 0.2, "char": 0, "document": 0, "prefix": 0.2},
            "context": {"share": 1.0, "snippets": 1.0, "tokens": tokens, "test": True},
        }
    )
    form = tokenizer.format
    for sample in samples.make(section, tokenizer, [user], signatures).samples.to_pylist():
        ids = tokenizer.unpack(sample["ids"])
        assert len(ids) == sample["tokens"] <= sequence
        assert 0 <= sample["context"] <= tokens
        marks = [form.hole, form.begin, form.end] if sample["policy"] != "prefix" else []
        assert all(ids.count(mark) == 1 for mark in marks)
    for made in samples.make(section, tokenizer, [{**user, "split": "test"}], signatures).candidates:
        code = user["text"].encode()[: made["start"]].decode()
        at = next(at for at in range(len(made["prefix"]) + 1) if code.endswith(made["prefix"][at:]))
        shown, whole = made["prefix"][:at], made["prefix"][at:] + made["middle"] + made["suffix"]
        assert whole in user["text"]
        assert made["prompt"].tolist() == form.prompt(
            tokenizer.encode(made["prefix"]), tokenizer.encode(made["suffix"])
        )
        assert_comments(shown)


def assert_comments(shown: str) -> None:
    assert all(line.startswith("// ") for line in shown.replace("\r", "\n").split("\n")[:-1])
    assert "u000a" not in shown.lower().replace("u000d", "u000a")
    root = java.parse(shown.encode()).root_node
    assert {node.type for node in root.children} <= {"line_comment"}


@pytest.mark.parametrize("style", ["deepseek", "qwen", "starcoder", "gpt2", "llama"])
def test_hostile_code_is_shown_and_stays_comments(folders: dict[str, Path], block: Any, style: str):
    tokenizer = SourceTokenizer(folders[style])
    other = LEDGER.replace("journal", "\n".join([*HOSTILE, "journal"]))
    text = TILL.replace("HOLE", f"call({', '.join(names(other))}); HOLE")
    shown = "".join(
        lines(block(row(text, path="src/Till.java"), [row(other, path="src/Ledger.java")], tokenizer), text)
    )
    assert_comments(shown)
    assert " // */ class Broken {} /*\n" in shown
    assert "//  int x;\n" in shown
    assert "fim_suffix" in shown
    form = tokenizer.format
    assert {form.begin, form.hole, form.end, form.eos}.isdisjoint(tokenizer.encode(shown))


def test_snippets_are_dropped_by_share_and_change_nothing_else(tokenizer: SourceTokenizer, tmp_path: Path):
    body = TILL.split("\n", 2)[2].removesuffix("}\n").replace("HOLE", "return amount.plus(entry.amount());")
    user = row("package shop;\nclass Till {\n" + body * 20 + "}\n", path="src/Till.java")
    others = [row(LEDGER, path="src/Ledger.java")]
    types = write_signatures(tmp_path / "signatures.parquet", others)
    snippets = Snippets(write_snippets(tmp_path / "snippets.parquet", others))
    signatures = Signatures(types, tokenizer, snippets)

    def made(share: float, snippets: float) -> list[Row]:
        context = {"share": share, "snippets": snippets, "tokens": 400}
        section = config.Fim.model_validate({"bytes_per_hole": 100, "context": context})
        return samples.make(section, tokenizer, [user], signatures).samples.to_pylist()

    none, some, all_ = made(1, 0), made(1, 0.5), made(1, 1)
    assert all(either in (bare, full) for bare, either, full in zip(none, some, all_, strict=True))
    differ = [(bare, either) for bare, either, full in zip(none, some, all_, strict=True) if bare != full]
    assert 0.3 < sum(bare != either for bare, either in differ) / len(differ) < 0.7
    places = [[(each["start"], each["end"]) for each in found] for found in (none, some, all_)]
    assert places[0] == places[1] == places[2]
    assert made(0, 1) == made(0, 0)


def test_an_example_of_the_shop(shop: Path, block: Any):
    """The file that the cursor's file imports shows how the builder that is to be called works."""
    home = shop / "orders" / "src/main/java/com/example/shop/orders"
    chosen = sorted(home.rglob("*.java"))
    rows = [row(path.read_text(encoding="utf-8"), path=path.relative_to(shop / "orders").as_posix()) for path in chosen]
    user = next(each for each in rows if each["path"].endswith("/OrderService.java"))
    hole = "if (quantity > 0) {\n            changed.line(line.withQuantity(quantity));\n        }"
    shown = lines(block(user, rows), user["text"], hole)
    path = "// src/main/java/com/example/shop/orders/domain/Order.java\n"
    code = shown[len(shown) - shown[::-1].index(path) :]
    assert "//     public Builder toBuilder() {\n" in code
    assert "//         lines.forEach(builder::line);\n" in code
    assert len(code) == 20
