"""The block in front of a prefix: what it shows, that it fits, and that the rest of a sample is as without it."""

import os
from pathlib import Path
from typing import Any

import pytest
from fim_sources import EVERY_KIND, java_files, row, write_signatures
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from fimsmith import config
from fimsmith.fim import samples
from fimsmith.fim.context import Block, Signatures
from fimsmith.tokenizer import SourceTokenizer

Row = dict[str, Any]
FIM_ONLY = {"node": 0.6, "aligned": 0, "line": 0.2, "char": 0, "document": 0, "prefix": 0.2}


def file(name: str, body: str = "int size();", package: str = "com.example.shop", **more: Any) -> Row:
    return row(f"package {package};\npublic interface {name} {{ {body} }}\n", path=f"src/{name}.java", **more)


USER = row(
    """package com.example.shop;

import static com.example.money.Tax.rate;
import com.example.money.Money.Unit;
import com.example.many.*;
import java.util.List;

class Till {
    Ledger ledger;
    int total(Money money) {
        Receipt receipt = print(money);
        return rate(money) + new Left().size();
    }
}
""",
    path="src/Till.java",
)
OTHERS = [
    file("Tax", package="com.example.money"),
    file("Money", package="com.example.money"),
    file("Unused", package="com.example.money"),
    file("Left", package="com.example.many"),
    file("Right", package="com.example.many"),
    file("Receipt"),
    file("Ledger"),
    file("Lone"),
    file("List", repository="another"),
    file("print", repository="another"),
]


@pytest.fixture
def shown(tokenizer: SourceTokenizer, tmp_path: Path):
    """The lines in front of a hole of a file, given the others."""

    def lines(row: Row, others: list[Row], hole: str = "", room: int = 10_000) -> list[str]:
        path = write_signatures(tmp_path / "signatures.parquet", others, per_group=3)
        head = row["text"].rfind("import")
        head = row["text"].find("\n", max(head, 0)) + 1
        start = row["text"].index(hole) if hole else len(row["text"])
        block = Block(Signatures(path, tokenizer), tokenizer, row, head)
        return block.lines(start, start + len(hole), room)

    return lines


def names(lines: list[str]) -> list[str]:
    return [Path(line.split()[1]).stem for line in lines if line.startswith("// src/")]


def test_the_path_comes_first_then_imports_in_their_order_then_what_is_named_of_whole_packages(shown: Any):
    assert names(shown(USER, OTHERS)) == ["Till", "Tax", "Money", "Ledger", "Receipt", "Left"]


def test_a_type_is_shown_as_comments_with_its_path(shown: Any):
    user = row("package com.example.shop;\nclass Till { Ledger ledger; }\n", path="src/Till.java")
    assert shown(user, OTHERS) == [
        "// src/Till.java\n",
        "// src/Ledger.java\n",
        "// public interface Ledger {\n",
        "//     int size();\n",
        "// }\n",
    ]


def test_a_type_that_only_the_target_names_is_not_shown(shown: Any):
    assert "Receipt" not in names(shown(USER, OTHERS, "Receipt receipt = print(money);"))
    assert "Receipt" in names(shown(USER, OTHERS, "print(money)"))
    assert "Ledger" not in names(shown(USER, OTHERS, "edger led"))


def test_types_of_other_repositories_and_sources_are_not_shown(shown: Any):
    for more in ({"repository": "another"}, {"source": "another"}):
        assert names(shown(USER, [file("Ledger", **more), file("Receipt")])) == ["Till", "Receipt"]


def test_the_file_itself_is_not_shown(shown: Any):
    assert names(shown(USER, [USER, file("Ledger")])) == ["Till", "Ledger"]


def test_an_import_hides_the_type_of_that_name_in_the_package(shown: Any):
    user = row("package a;\nimport b.Order;\nclass Till { Order order; }\n", path="src/Till.java")
    others = [file("Order", "void own();", "a"), file("Order", "void imported();", "b")]
    assert "//     void imported();\n" in shown(user, others)
    assert "//     void own();\n" not in shown(user, others)


def test_lines_stop_where_the_room_ends_and_never_with_a_lone_path(shown: Any, tokenizer: SourceTokenizer):
    everything = shown(USER, OTHERS)
    sizes = [len(tokenizer.encode(line)) for line in everything]
    for room in range(sizes[0], sum(sizes) + 1):
        lines = shown(USER, OTHERS, room=room)
        assert lines == everything[: len(lines)]
        assert sum(sizes[: len(lines)]) <= room
        assert len(lines) == 1 or not lines[-1].startswith("// src/")


def test_a_path_cannot_end_the_comment(shown: Any):
    user = row(USER["text"], path="src/a\nint x;\r\n/Till.java")
    assert shown(user, [])[0] == "// src/a int x;  /Till.java\n"


def test_row_groups_and_the_order_of_questions_do_not_matter(tokenizer: SourceTokenizer, tmp_path: Path):
    others = [file(f"T{at}", repository=f"r{at % 7}") for at in range(40)]
    users = [row(f"class U{at} {{ T{at} t; T{at + 1} u; }}", repository=f"r{at % 7}") for at in range(40)]
    users = [{**each, "text": "package com.example.shop;\n" + each["text"]} for each in users]

    def all_of(per_group: int, users: list[Row]) -> dict[str, list[str]]:
        path = write_signatures(tmp_path / "signatures.parquet", others, per_group)
        signatures = Signatures(path, tokenizer)
        return {each["id"]: [known.name for known in signatures.used(each, 26)] for each in users}

    expected = all_of(1_000, sorted(users, key=lambda each: each["repository"]))
    assert all(found == [f"T{at}"] for at, found in enumerate(expected[each["id"]] for each in users))
    assert all_of(2, users) == all_of(7, users[::-1]) == expected


def section(**fields: object) -> config.Fim:
    given = {"bytes_per_hole": 100, "max_middle": 60, "shares": FIM_ONLY, "sequence": 2048, **fields}
    return config.Fim.model_validate({"context": {"share": 1.0}, **given})


MEMBER = row(EVERY_KIND, path="src/Orders.java")
NEAR = [
    file("Order", "boolean paid(); int amount(); /* 😀 */ int price();"),
    file("Month", "int 天数();"),
    file("Zz", "int size();"),
]


def drawn(tokenizer: SourceTokenizer, given: config.Fim, path: Path | None, row: Row = MEMBER) -> list[Row]:
    signatures = Signatures(path, tokenizer) if path else None
    found = samples.make(given, tokenizer, [row], signatures).samples.to_pylist()
    for each in found:
        each["ids"] = tokenizer.unpack(each["ids"])
    return found


def prefix(tokenizer: SourceTokenizer, sample: Row) -> list[int]:
    form, ids = tokenizer.format, sample["ids"]
    if sample["policy"] == "prefix":
        return ids[len(form.start) : sample["target"]]
    return ids[len(form.start) + 1 : ids.index(form.hole)]


@pytest.fixture(scope="module")
def each(folder: Path) -> SourceTokenizer:
    return SourceTokenizer(folder)


@pytest.fixture(scope="module")
def types(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_signatures(tmp_path_factory.mktemp("types") / "signatures.parquet", NEAR)


@pytest.mark.parametrize("gap", ["", "\n\n", "   \n \r\n", "    "])
def test_the_prefix_is_the_encoding_of_block_and_code_together(each: SourceTokenizer, types: Path, gap: str):
    text = gap + EVERY_KIND
    user = row(text, path="src/Orders.java")
    found = drawn(each, section(), types, user)
    assert {sample["policy"] for sample in found} >= {"node", "prefix"}
    for sample in found:
        ids = prefix(each, sample)
        whole = each.decode(ids)
        code = text.encode()[: sample["start"]].decode()
        assert whole.startswith("// src/Orders.java\n// src/")
        assert whole.endswith(code)
        assert each.encode(whole) == ids
        assert sample["context"] == len(ids) - len(each.encode(code)) > 0


@pytest.mark.skipif("FIMSMITH_TEST_DATA" not in os.environ, reason="no tokenizer of DeepSeek-Coder")
def test_the_prefix_is_what_the_models_own_tokenizer_gives(types: Path):
    folder = Path(os.environ["FIMSMITH_TEST_DATA"]) / "deepseek-coder-tokenizer"
    own, tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json")), SourceTokenizer(folder)
    for sample in drawn(tokenizer, section(), types):
        ids = prefix(tokenizer, sample)
        assert own.encode(tokenizer.decode(ids), add_special_tokens=False).ids == ids


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=java_files(),
    other=java_files(),
    sequence=st.integers(90, 500),
    tokens=st.integers(1, 200),
    lead=st.sampled_from(["", "\n", " \r\n\t\n"]),
)
@pytest.mark.parametrize("style", ["deepseek", "qwen", "starcoder", "gpt2", "llama"])
def test_samples_of_any_file_are_exact_and_fit(
    folders: dict[str, Path], tmp_path: Path, style: str, text: str, other: str, sequence: int, tokens: int, lead: str
):
    tokenizer = SourceTokenizer(folders[style])
    path = write_signatures(tmp_path / "signatures.parquet", [row(other + "\nclass String { public int f(); }")])
    wanted = section(sequence=sequence, max_middle=40, context={"share": 1.0, "tokens": tokens})
    for sample in drawn(tokenizer, wanted, path, row(lead + text)):
        ids = prefix(tokenizer, sample)
        assert len(sample["ids"]) == sample["tokens"] <= sequence
        assert 0 <= sample["context"] <= tokens
        assert tokenizer.encode(tokenizer.decode(ids)) == ids


def test_what_is_not_the_block_is_the_same_with_and_without(tokenizer: SourceTokenizer, types: Path):
    without, half, full = (
        drawn(tokenizer, section(context={"share": share}, epochs=4), types) for share in (0, 0.5, 1.0)
    )
    assert {sample["context"] for sample in without} == {0}
    assert all(sample["context"] for sample in full)
    assert 0.3 < sum(sample["context"] > 0 for sample in half) / len(half) < 0.7
    for none, some, all_ in zip(without, half, full, strict=True):
        assert some == (all_ if some["context"] else none)
        assert (none["start"], none["end"], none["cut"]) == (all_["start"], all_["end"], all_["cut"])
        added = all_["context"]
        code = prefix(tokenizer, none)
        assert prefix(tokenizer, all_)[added:] == code
        assert all_["ids"][all_["target"] :] == none["ids"][none["target"] :]


def test_the_block_is_cut_before_the_code_and_the_path_stays(tokenizer: SourceTokenizer, types: Path):
    text = EVERY_KIND + "// the end of a long file\n" * 200
    user = row(text, path="src/Orders.java")
    short = section(sequence=300, max_middle=40)
    found = drawn(tokenizer, short, types, user)
    path = len(tokenizer.encode("// src/Orders.java\n"))
    assert found
    for sample in found:
        if sample["policy"] == "prefix" and sample["start"] < 400:
            continue  # there the whole prefix fits
        assert sample["context"] >= path
        assert sample["context"] < path + 40  # less than a line of code was left
        assert sample["tokens"] > 300 - 40


def test_a_path_that_would_take_most_of_the_room_is_left_out(tokenizer: SourceTokenizer, types: Path):
    user = row(EVERY_KIND, path="src/" + "very/long/" * 60 + "Orders.java")
    assert {sample["context"] for sample in drawn(tokenizer, section(sequence=300), types, user)} == {0}


def test_plain_documents_have_no_block(tokenizer: SourceTokenizer, types: Path):
    shares = {name: float(name == "document") for name in config.Shares.model_fields}
    found = drawn(tokenizer, section(shares=shares), types)
    assert found
    assert {sample["context"] for sample in found} == {0}


def test_the_block_is_part_of_the_prefix_where_the_suffix_comes_first(tokenizer: SourceTokenizer, types: Path):
    shares = {name: float(name == "node") for name in config.Shares.model_fields}
    for sample in drawn(tokenizer, section(shares=shares, spm=1.0), types):
        ids = sample["ids"]
        after = tokenizer.decode(ids[ids.index(tokenizer.format.end) + 1 : sample["target"]])
        assert after.startswith("// src/Orders.java\n")


def test_the_test_set_has_no_block_unless_that_is_wanted(tokenizer: SourceTokenizer, types: Path):
    user = {**MEMBER, "split": "test"}

    def candidates(**context: object) -> list[Row]:
        return samples.make(section(context=context), tokenizer, [user], Signatures(types, tokenizer)).candidates

    plain, led = candidates(share=1.0), candidates(test=True)
    assert len(plain) == len(led) > 3
    for without, with_it in zip(plain, led, strict=True):
        assert without["prefix"] in EVERY_KIND
        assert with_it["prefix"].startswith("// src/Orders.java\n// src/")
        assert with_it["prefix"].endswith(without["prefix"])
        expected = tokenizer.format.prompt(tokenizer.encode(with_it["prefix"]), tokenizer.encode(with_it["suffix"]))
        assert with_it["prompt"].tolist() == expected
        assert all(without[name] == with_it[name] for name in ("priority", "middle", "suffix", "start", "end"))
