"""Samples are exact, fit their length, and hold nothing but the file's text and the family's sentinels."""

import hashlib
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from fim_sources import BROKEN, EVERY_KIND, java_files, row
from hypothesis import given, settings
from hypothesis import strategies as st
from small_tokenizers import SENTINELS

from fimsmith import config
from fimsmith.fim import samples
from fimsmith.tokenizer import SourceTokenizer

LONG = EVERY_KIND + "".join(
    EVERY_KIND[EVERY_KIND.index("/**\n") :].replace("Orders", f"Orders{number}").replace("total", f"total{number}")
    for number in range(6)
)


def section(**fields: object) -> config.Fim:
    return config.Fim.model_validate({"bytes_per_hole": 100, "epochs": 2, "max_middle": 120, **fields})


def only(*policies: str) -> dict[str, float]:
    return {name: (name in policies) / len(policies) for name in config.Shares.model_fields}


def made(
    tokenizer: SourceTokenizer, text: str, given: config.Fim, split: str = "train", kind: str = "java"
) -> samples.Made:
    return samples.make(given, tokenizer, [row(text, split, kind)])


def drawn_from(
    tokenizer: SourceTokenizer, text: str, given: config.Fim, split: str = "train", kind: str = "java"
) -> list[dict[str, Any]]:
    """The samples of one file, with their ids as numbers."""
    return unpacked(tokenizer, made(tokenizer, text, given, split, kind))


def unpacked(tokenizer: SourceTokenizer, given: samples.Made) -> list[dict[str, Any]]:
    rows = given.samples.to_pylist()
    for each in rows:
        each["ids"] = tokenizer.unpack(each["ids"])
        assert len(each["ids"]) == each["tokens"]
    return rows


def pieces(tokenizer: SourceTokenizer, sample: dict[str, Any]) -> tuple[list[int], list[int], list[int]]:
    """Split the ids of a FIM sample at its sentinels; fails when there is one too many."""
    form, ids = tokenizer.format, sample["ids"]
    start = len(form.start)
    assert ids[:start] == form.start
    assert ids[start] == form.begin
    assert ids[-1] == form.stop
    control = {form.begin, form.hole, form.end, form.stop, form.eos, form.bos, form.pad}
    hole, end = ids.index(form.hole), ids.index(form.end)
    parts = ids[start + 1 : hole], ids[hole + 1 : end], ids[end + 1 : -1]
    assert all(control.isdisjoint(part) for part in parts)
    assert sample["target"] == end + 1
    return parts


def check(tokenizer: SourceTokenizer, text: str, sample: dict[str, Any], most: int) -> None:
    """The sample's pieces are the encodings of the text around its span."""
    source = text.encode()
    assert len(sample["ids"]) <= most
    middle = source[sample["start"] : sample["end"]].decode()
    if sample["policy"] in ("document", "prefix"):
        form, ids = tokenizer.format, sample["ids"]
        assert ids[: len(form.start)] == form.start
        target = ids[sample["target"] :]
        assert (target[:-1] if target[-1] == form.eos else target) == tokenizer.encode(middle)
        if sample["policy"] == "prefix":
            context = ids[len(form.start) : sample["target"]]
            assert source[: sample["start"]].decode().endswith(exact(tokenizer, context))
        return
    prefix, suffix, target = pieces(tokenizer, sample)
    assert target == tokenizer.encode(middle)
    assert source[: sample["start"]].decode().endswith(exact(tokenizer, prefix))
    assert source[sample["end"] :].decode().startswith(exact(tokenizer, suffix))


def exact(tokenizer: SourceTokenizer, ids: list[int]) -> str:
    """The text of ids, which must be what it is encoded to."""
    text = tokenizer.decode(ids)
    assert tokenizer.encode(text) == ids
    return text


@pytest.fixture(scope="module")
def each(folder: Path) -> SourceTokenizer:
    return SourceTokenizer(folder)


@pytest.mark.parametrize("text", [EVERY_KIND, EVERY_KIND.replace("\n", "\r\n"), BROKEN], ids=["lf", "crlf", "broken"])
def test_with_room_a_sample_is_the_whole_file_exactly(each: SourceTokenizer, text: str):
    shares = only("node", "aligned", "line", "char")
    drawn = drawn_from(each, text, section(shares=shares, sequence=8192, max_middle=4000, epochs=6))
    assert len(drawn) > 2
    for sample in drawn:
        source = text.encode()
        parts = source[: sample["start"]], source[sample["end"] :], source[sample["start"] : sample["end"]]
        assert pieces(each, sample) == tuple(each.encode(part.decode()) for part in parts)


@pytest.mark.parametrize("sequence", [96, 200, 400])
def test_a_short_sequence_cuts_context_and_never_the_middle(each: SourceTokenizer, sequence: int):
    drawn = drawn_from(
        each, EVERY_KIND, section(sequence=sequence, max_middle=40, shares=only("node", "line", "prefix"))
    )
    assert {sample["policy"] for sample in drawn} == {"node", "line", "prefix"}
    for sample in drawn:
        check(each, EVERY_KIND, sample, sequence)


def test_context_is_cut_at_line_ends_and_shared_as_configured(tokenizer: SourceTokenizer):
    wanted = section(sequence=1000, prefix_context=0.7, shares=only("node"), bytes_per_hole=200)
    drawn = drawn_from(tokenizer, LONG, wanted)
    full = [each for each in drawn if 0.3 < each["start"] / len(LONG.encode()) < 0.65]
    assert len(full) > 5
    for sample in full:
        prefix, suffix, middle = pieces(tokenizer, sample)
        room = 1000 - tokenizer.format.overhead - len(middle)
        assert 0.7 * room - 60 < len(prefix) <= 0.7 * room  # 60: the next line did not fit
        assert room - len(prefix) - 60 < len(suffix) <= room - len(prefix)


@pytest.mark.parametrize("side", ["prefix", "suffix"])
def test_room_that_one_side_does_not_need_goes_to_the_other(tokenizer: SourceTokenizer, side: str):
    drawn = drawn_from(tokenizer, LONG, section(sequence=1000, shares=only("line"), bytes_per_hole=100))
    size = len(LONG.encode())
    near = [each for each in drawn if (each["start"] < size * 0.1 if side == "prefix" else each["end"] > size * 0.95)]
    assert near
    assert all(len(sample["ids"]) > 940 for sample in near)


@settings(max_examples=40, deadline=None)
@given(text=java_files(), sequence=st.integers(90, 300), seed=st.integers(0, 3))
def test_samples_of_any_file_are_exact_and_fit(tokenizer: SourceTokenizer, text: str, sequence: int, seed: int):
    shares = {"node": 0.2, "aligned": 0.2, "line": 0.2, "char": 0.2, "document": 0.1, "prefix": 0.1}
    for sample in drawn_from(tokenizer, text, section(sequence=sequence, max_middle=40, seed=seed, shares=shares)):
        check(tokenizer, text, sample, sequence)


def test_sentinels_in_a_file_stay_ordinary_text(each: SourceTokenizer):
    body = "".join(
        f'    String s{at} = "{text}" + call({at}, "{text}"); // {text}\n' for at, text in enumerate(SENTINELS)
    )
    text = f"class A {{\n{body}}}\n/* {' '.join(SENTINELS)} */\n"
    drawn = drawn_from(each, text, section(sequence=4096, min_middle=8, max_middle=900))
    assert len(drawn) > 10
    for sample in drawn:
        if sample["policy"] in ("document", "prefix"):
            check(each, text, sample, 4096)
        else:
            pieces(each, sample)


@pytest.mark.parametrize("kind", ["java", "text"])
@pytest.mark.parametrize("sequence", [80, 300, 4096])
def test_document_windows_are_the_whole_file_once(each: SourceTokenizer, kind: str, sequence: int):
    wanted = section(sequence=sequence, shares=only("document"), epochs=1, bytes_per_hole=10, max_middle=30)
    drawn = sorted(drawn_from(each, EVERY_KIND, wanted, kind=kind), key=lambda sample: sample["start"])
    source, form = EVERY_KIND.encode(), each.format
    assert b"".join(source[sample["start"] : sample["end"]] for sample in drawn) == source
    for sample in drawn:
        check(each, EVERY_KIND, sample, sequence)
        assert sample["target"] == len(form.start)
        last = sample["end"] == len(source)
        assert (sample["ids"][-1] == form.eos) == last
        assert last or source[: sample["end"]].endswith(b"\n") or sequence == 80


def test_text_files_give_windows_only_and_none_for_the_test_set(tokenizer: SourceTokenizer):
    text = "# 使用说明\n\n" + "一段没有代码的文字。\n" * 50
    assert {each["policy"] for each in drawn_from(tokenizer, text, section(), kind="text")} == {"document"}
    test = made(tokenizer, text, section(), "test", "text")
    assert (len(test.samples), test.candidates) == (0, [])
    assert test.skipped == {"text file in the test split": 1}


def test_a_broken_file_still_gives_documents_and_a_sound_part_holes(tokenizer: SourceTokenizer):
    hopeless = drawn_from(tokenizer, "%% ]] {{ (( ;; $$ 12 34 ->\n" * 9, section())
    assert {sample["policy"] for sample in hopeless} == {"document"}
    given_up = drawn_from(
        tokenizer, EVERY_KIND[:-3] + "int a = " + "; - /* orders */\n" * 1_500, section(sequence=4096)
    )
    assert {sample["policy"] for sample in given_up} == {"document"}
    assert {"line", "node"} <= {sample["policy"] for sample in drawn_from(tokenizer, BROKEN * 2, section())}


def test_the_number_of_samples_follows_the_bytes(tokenizer: SourceTokenizer):
    size = len(LONG.encode())
    drawn = made(tokenizer, LONG, section(bytes_per_hole=500, epochs=1))
    assert len(drawn.samples) + drawn.skipped["sample given up"] == size // 500
    assert len(drawn_from(tokenizer, EVERY_KIND, section(bytes_per_hole=10**6, epochs=3))) == 3


def test_holes_of_one_epoch_are_disjoint_and_epochs_differ(tokenizer: SourceTokenizer):
    drawn = drawn_from(tokenizer, LONG, section(epochs=3, shares=only("node", "aligned", "line", "char")))
    spans = [sorted((each["start"], each["end"]) for each in drawn if each["epoch"] == epoch) for epoch in range(3)]
    for epoch in spans:
        assert all(one[1] <= other[0] for one, other in pairwise(epoch))
    assert len(set().union(*spans)) >= 0.99 * sum(map(len, spans))


def test_a_file_with_few_holes_gives_them_again_in_each_epoch(tokenizer: SourceTokenizer):
    text = "class A {\n    int f() {\n        return alpha(beta, gamma);\n    }\n}\n"
    given = section(
        epochs=8,
        shares=only("node"),
        kinds=config.Kinds(**{k: float(k == "arguments") for k in config.Kinds.model_fields}),
    )
    drawn = drawn_from(tokenizer, text, given)
    assert [(each["epoch"], each["kind"]) for each in drawn] == [(epoch, "arguments") for epoch in range(8)]


def test_the_windows_of_a_text_are_given_once_whatever_the_epochs(tokenizer: SourceTokenizer):
    made = samples.make(section(epochs=3), tokenizer, [row("Some words. " * 200, kind="text")])
    assert {sample["epoch"] for sample in made.samples.to_pylist()} == {0}


def test_a_further_epoch_gives_the_windows_that_were_left(tokenizer: SourceTokenizer):
    drawn = drawn_from(tokenizer, LONG, section(epochs=2, sequence=256, bytes_per_hole=700))
    windows = [(each["start"], each["end"]) for each in drawn if each["policy"] == "document"]
    assert len(windows) == len(set(windows)) > 3


def test_valid_files_are_sampled_in_one_epoch_only(tokenizer: SourceTokenizer):
    assert {each["epoch"] for each in drawn_from(tokenizer, EVERY_KIND, section(epochs=3), "valid")} == {0}


def test_one_seed_gives_one_result_and_another_seed_another(tokenizer: SourceTokenizer):
    def spans(seed: int) -> list[tuple[Any, ...]]:
        drawn = drawn_from(tokenizer, EVERY_KIND, section(seed=seed))
        return [(each["policy"], each["start"], each["end"], each["ids"]) for each in drawn]

    assert spans(1) == spans(1)
    assert spans(1) != spans(2)


def test_test_candidates_hold_the_prompt_that_training_would_use(each: SourceTokenizer):
    wanted = section(sequence=300, max_middle=60, prefix_context=0.6)
    found = made(each, EVERY_KIND, wanted, "test").candidates
    assert len(found) > 5
    form = each.format
    for test in found:
        prompt = form.prompt(each.encode(test["prefix"]), each.encode(test["suffix"]))
        assert test["prompt"].tolist() == prompt
        assert test["target"].tolist() == [*each.encode(test["middle"]), form.stop]
        assert len(prompt) + len(test["target"]) <= 300
        assert test["prefix"] + test["middle"] + test["suffix"] in EVERY_KIND
        assert EVERY_KIND.encode()[test["start"] : test["end"]].decode() == test["middle"]
    assert {test["policy"] for test in found} <= set(samples.FIM)


def test_without_fim_shares_there_are_no_candidates(tokenizer: SourceTokenizer):
    assert made(tokenizer, EVERY_KIND, section(shares=only("document", "prefix")), "test").candidates == []


def test_an_empty_file_is_counted_and_skipped(tokenizer: SourceTokenizer):
    assert made(tokenizer, " \n\t\r\n", section()).skipped == {"empty file": 1}


def test_shares_hold_in_every_file_up_to_rounding(tokenizer: SourceTokenizer):
    shares = {"node": 0.4, "aligned": 0.2, "line": 0.2, "char": 0.2, "document": 0, "prefix": 0}
    counts = Counter(
        each["policy"] for each in drawn_from(tokenizer, LONG, section(shares=shares, bytes_per_hole=400, epochs=10))
    )
    total = sum(counts.values())
    assert all(abs(counts[name] / total - share) < 0.04 for name, share in shares.items())


def test_a_file_is_the_same_whatever_its_path_or_neighbours(tokenizer: SourceTokenizer):
    rows = [row(EVERY_KIND, path="a/B.java"), row(BROKEN)]
    together = unpacked(tokenizer, samples.make(section(), tokenizer, rows))
    alone = unpacked(tokenizer, samples.make(section(), tokenizer, rows[1:]))
    name = hashlib.sha256(BROKEN.encode()).hexdigest()
    later = [each for each in together if each["file"] == name]
    assert [each["ids"] for each in later] == [each["ids"] for each in alone]


def test_a_middle_leaves_room_for_context_even_where_the_limit_does_not(tokenizer: SourceTokenizer):
    wanted = section(sequence=80, max_middle=10_000, bytes_per_hole=50, shares=only("node", "prefix"))
    drawn = drawn_from(tokenizer, EVERY_KIND, wanted)
    assert drawn
    assert all(len(sample["ids"]) <= 80 for sample in drawn)
    assert all(len(sample["ids"]) - sample["target"] <= 41 for sample in drawn)


def test_document_windows_are_given_once_an_epoch_and_leave_their_draws_to_others(tokenizer: SourceTokenizer):
    drawn = drawn_from(tokenizer, LONG, section(epochs=3, sequence=8192))
    assert len(drawn) > 30
    assert [sample["epoch"] for sample in drawn if sample["policy"] == "document"] == [0, 1, 2]


def test_the_ends_of_a_hole_are_moved_as_the_cut_says(tokenizer: SourceTokenizer):
    text = LONG.replace("\n", "\r\n")
    source = text.encode()
    for cut in ("exact", "snap", "line"):
        weights = {name: float(name == cut) for name in config.Cuts.model_fields}
        given = section(cuts=weights, shares=only("node", "aligned", "char"), epochs=4)
        found = drawn_from(tokenizer, text, given)
        assert found
        assert {sample["cut"] for sample in found} == {cut}
        for sample in found:
            check(tokenizer, text, sample, given.sequence)
            before, after = source[: sample["start"]].decode(), source[sample["end"] :].decode()
            if cut == "snap":
                assert not before.endswith((" ", "\t"))
            if cut == "line":
                assert before.endswith("\n") or not before
                assert after.startswith("\r\n") or not after


def test_cuts_have_the_shares_of_their_weights(tokenizer: SourceTokenizer):
    given = section(shares=only("node"), epochs=40, cuts={"exact": 0.5, "snap": 0.25, "line": 0.25})
    counts = Counter(sample["cut"] for sample in drawn_from(tokenizer, LONG, given))
    total = sum(counts.values())
    assert total > 400
    assert abs(counts["exact"] / total - 0.5) < 0.12
    assert abs(counts["snap"] / total - 0.25) < 0.12


def test_the_suffix_comes_first_where_that_is_wanted(tokenizer: SourceTokenizer):
    found = drawn_from(tokenizer, LONG, section(shares=only("node", "document"), spm=1.0))
    form, fim = tokenizer.format, [sample for sample in found if sample["policy"] == "node"]
    assert fim
    assert {sample["spm"] for sample in found if sample["policy"] == "document"} == {False}
    for sample in fim:
        ids, start, source = sample["ids"], len(form.start), LONG.encode()
        assert sample["spm"]
        assert ids[start : start + 2] == [form.begin, form.hole]
        end = ids.index(form.end)
        suffix, prefix = ids[start + 2 : end], ids[end + 1 : sample["target"]]
        assert source[sample["end"] :].decode().startswith(tokenizer.decode(suffix))
        assert source[: sample["start"]].decode().endswith(tokenizer.decode(prefix))
        middle = source[sample["start"] : sample["end"]].decode()
        assert ids[sample["target"] :] == [*tokenizer.encode(middle), form.stop]


def test_test_candidates_are_cut_where_the_cursor_stands(tokenizer: SourceTokenizer):
    exact = section(cuts={"exact": 1, "snap": 0, "line": 0})
    lines = section(cuts={"exact": 0, "snap": 0, "line": 1}, spm=0.5)
    first, second = (made(tokenizer, LONG, given, "test").candidates for given in (exact, lines))
    assert [row["middle"] for row in first] == [row["middle"] for row in second]


def hunks(text: str, *parts: str) -> list[int]:
    """Parts of a text as the column of records.FILES."""
    source = text.encode()
    found = []
    for part in parts:
        start = source.index(part.encode())
        found += [start, start + len(part.encode())]
    return found


ADDED = (
    "                sum += order.amount() * order.price();",
    "\n        super();\n",
    "                int length = leap ? 29 : 28;",
)


def commits(
    tokenizer: SourceTokenizer, text: str, given: config.Fim, *parts: str, split: str = "train"
) -> samples.Made:
    """Make the samples of one file whose hunks are the parts, the newest first."""
    return samples.make(given, tokenizer, [row(text, split, hunks=hunks(text, *parts))])


@pytest.mark.parametrize("cut", config.Cuts.model_fields)
def test_what_commits_added_are_middles_and_the_newest_comes_first(each: SourceTokenizer, cut: str):
    weights = {name: float(name == cut) for name in config.Cuts.model_fields}
    given = section(shares=only("commit"), bytes_per_hole=350, epochs=1, cuts=weights)
    text = EVERY_KIND.replace("\n", "\r\n")
    drawn = unpacked(each, commits(each, text, given, *(part.replace("\n", "\r\n") for part in ADDED)))
    middles = [text.encode()[sample["start"] : sample["end"]].decode() for sample in drawn]
    whole = [part.strip("\n") for part in ADDED]
    assert middles == (whole if cut != "exact" else [part.strip() for part in ADDED])
    for sample in drawn:
        check(each, text, sample, given.sequence)
        assert (sample["policy"], sample["kind"], sample["cut"]) == ("commit", "commit", cut)


def test_a_further_epoch_goes_on_with_older_commits(tokenizer: SourceTokenizer):
    given = section(shares=only("commit"), bytes_per_hole=10**6, epochs=4)
    drawn = unpacked(tokenizer, commits(tokenizer, EVERY_KIND, given, *ADDED))
    starts = [hunks(EVERY_KIND, part.strip())[0] for part in ADDED]
    found = [EVERY_KIND.encode()[: sample["end"]].rstrip().decode() for sample in drawn]
    assert [sample["epoch"] for sample in drawn] == [0, 1, 2, 3]
    assert all(
        before.endswith(ADDED[at % 3].strip()) and sample["start"] <= starts[at % 3]
        for at, (before, sample) in enumerate(zip(found, drawn, strict=True))
    )


def test_the_share_of_commits_goes_to_others_where_there_are_none(tokenizer: SourceTokenizer):
    given = section(shares={**only("commit"), "commit": 0.5, "node": 0.5}, bytes_per_hole=200)
    without = commits(tokenizer, EVERY_KIND, given)
    assert {sample["policy"] for sample in without.samples.to_pylist()} == {"node"}
    assert without.skipped["draw refused: no commit"] > 0
    counts = Counter(sample["policy"] for sample in commits(tokenizer, EVERY_KIND, given, *ADDED).samples.to_pylist())
    assert counts["commit"] >= 3
    assert counts["node"] > 0


def test_hunks_that_are_imports_too_long_or_touch_an_error_are_no_middles(tokenizer: SourceTokenizer):
    given = section(shares=only("commit"), max_middle=40)
    assert len(commits(tokenizer, EVERY_KIND, given, "import java.util.List;\nimport java.util.Map;").samples) == 0
    assert len(commits(tokenizer, EVERY_KIND, given, EVERY_KIND[400:1000], "}\n").samples) == 0
    broken = commits(tokenizer, BROKEN, given, "    void f() { int x = ; }")
    assert len(broken.samples) == 0
    assert broken.skipped["draw refused: parse error"] > 0


def test_hunks_of_test_files_are_test_candidates(tokenizer: SourceTokenizer):
    found = commits(tokenizer, EVERY_KIND, section(shares=only("commit", "document")), *ADDED, split="test").candidates
    assert {each["middle"] for each in found} == {part.strip() for part in ADDED}
    assert {(each["policy"], each["kind"]) for each in found} == {("commit", "commit")}


def test_without_the_policy_hunks_change_nothing(tokenizer: SourceTokenizer):
    assert commits(tokenizer, EVERY_KIND, section(), *ADDED).samples == made(tokenizer, EVERY_KIND, section()).samples
