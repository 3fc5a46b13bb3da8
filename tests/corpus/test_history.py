"""Lines are those that a commit added and no newer one touched, whatever the history."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from git_repository import Repository
from hypothesis import given
from hypothesis import strategies as st
from java_texts import files, ingest, write

from fimsmith import config
from fimsmith.corpus import gitclient, history
from fimsmith.errors import DataError
from fimsmith.manifest import Manifest

Numbers = list[int]


def java(*added: str, end: str = "\n") -> str:
    """A class of 8 numbered calls, with more lines before the last two."""
    calls = [f"        call{number}(first, second);" for number in range(8)]
    return end.join(["class A {", "    void run() {", *calls[:6], *added, *calls[6:], "    }", "}", ""])


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "app")


def read(repository: Repository, tmp_path: Path, commits: int = 100, **more: Any) -> Manifest:
    return ingest(f"git+{repository.folder}", tmp_path / "out", history=commits, **more)


def added(row: dict[str, Any]) -> list[str]:
    """The hunks of a row as text."""
    text, hunks = row["text"].encode(), row["hunks"] or []
    return [text[start:end].decode() for start, end in zip(hunks[::2], hunks[1::2], strict=True)]


@st.composite
def edits(draw: st.DrawFn) -> tuple[list[tuple[bytes, list[Numbers]]], Numbers]:
    """Commits of a file whose lines are all different: the log's lines and the added lines of each, and the last text."""
    text, new, commits = list(range(6)), 6, list[tuple[bytes, list[Numbers]]]()
    for _ in range(draw(st.integers(1, 8))):
        log, hunks, changed, at = b"diff --git A.java A.java\n", [], Numbers(), 0
        while at <= len(text):
            old, count = draw(st.tuples(st.integers(0, 2), st.integers(0, 3)))
            old = min(old, len(text) - at)
            if old or count:
                lines = list(range(new, new := new + count))
                old_from, new_from = at + (old > 0), len(changed) + (count > 0)
                log += b"@@ -%d,%d +%d,%d @@ class A {\n" % (old_from, old, new_from, count)
                hunks += [lines] if lines else []
                changed += lines
            same = draw(st.integers(1, 5))  # lines between two hunks
            changed += text[at + old : at + old + same]
            at += old + same
        commits.append((log, hunks))
        text = changed
    return commits, text


@given(edits())
def test_what_is_left_of_each_commit_is_found_newest_first(drawn: tuple[list[tuple[bytes, list[Numbers]]], Numbers]):
    commits, text = drawn
    log = b"".join(b"time 7\n" + lines for lines, _ in reversed(commits))
    past = history.read(log.splitlines(keepends=True), {b"A.java"})[b"A.java"]
    whole = "".join(f"<{line}>" for line in text)
    left = [lines for _, hunks in reversed(commits) for lines in hunks if "".join(f"<{n}>" for n in lines) in whole]
    assert [text[start:end] for start, end in past.hunks] == left


def test_hunks_are_the_bytes_of_whole_lines_newest_first(repository: Repository, tmp_path: Path):
    repository.commit({"A.java": java(), "B.java": java("        b();")})
    repository.commit({"A.java": java("        // 会员", "        first();")})
    last = repository.commit({"A.java": java("        second();", "", "        // 会员", "        first();")})
    found = files(read(repository, tmp_path))
    assert added(found["A.java"]) == ["        second();\n", "        // 会员\n        first();"]
    assert (found["A.java"]["time"], found["B.java"]["time"], found["B.java"]["hunks"]) == (last, last - 7200, None)


def test_what_a_later_commit_changed_is_dropped(repository: Repository, tmp_path: Path):
    repository.commit({"A.java": java()})
    repository.commit({"A.java": java("        one();", "        two();", "        three();")})
    repository.commit({"A.java": java("        one();", "        changed();", "        three();")})
    assert added(files(read(repository, tmp_path))["A.java"]) == ["        changed();"]
    repository.commit({"A.java": java("        one();", "        three();")})
    assert added(files(read(repository, tmp_path))["A.java"]) == []


def test_what_was_put_between_and_taken_out_again_leaves_a_hunk_whole(repository: Repository, tmp_path: Path):
    repository.commit({"A.java": java()})
    repository.commit({"A.java": java("        one();", "        two();")})
    repository.commit({"A.java": java("        one();", "        between();", "        two();")})
    repository.commit({"A.java": java("        one();", "        two();")})
    assert added(files(read(repository, tmp_path))["A.java"]) == ["        one();\n        two();"]


def test_a_file_that_is_added_or_renamed_as_a_whole_is_no_hunk(repository: Repository, tmp_path: Path):
    repository.commit({"A.java": java()})
    repository.commit({"A.java": java("        one();")})
    time = repository.commit({"B.java": java("        one();")}, "A.java")
    row = files(read(repository, tmp_path))["B.java"]
    assert (row["time"], row["hunks"]) == (time, None)


def test_only_as_many_commits_are_read_as_wanted(repository: Repository, tmp_path: Path):
    first = repository.commit({"A.java": java(), "B.java": java("        b();")})
    times = [repository.commit({"A.java": java(*(f"        a{n}();" for n in range(count + 1)))}) for count in range(4)]
    made = read(repository, tmp_path, 2)
    assert added(files(made)["A.java"]) == ["        a3();", "        a2();"]
    assert (files(made)["A.java"]["time"], files(made)["B.java"]["time"]) == (times[3], None)
    assert made.details["history"] == {"commits": 2, "before": times[1]}
    assert made.metrics["hunks"] == 2
    whole = read(repository, tmp_path, 5)
    assert whole.details["history"] == {"commits": 5, "before": None}
    assert files(whole)["B.java"]["time"] == first


def test_commits_that_a_shallow_clone_lacks_are_not_taken_for_changes(repository: Repository, tmp_path: Path):
    repository.commit({"A.java": java(), "B.java": java("        b();")})
    before = repository.commit({"A.java": java("        one();")})
    repository.commit({"A.java": java("        one();", "        two();")})
    repository.run("clone", "-q", "--depth=2", f"file://{repository.folder}", str(tmp_path / "clone"))
    made = ingest(f"git+{tmp_path}/clone", tmp_path / "out", history=9)
    assert made.details["history"] == {"commits": 1, "before": before}
    assert added(files(made)["A.java"]) == ["        two();"]
    assert files(made)["B.java"]["time"] is None


def test_a_merge_is_one_commit(repository: Repository, tmp_path: Path):
    repository.commit({"A.java": java(), "B.java": java("        b();")})
    repository.run("checkout", "-q", "-b", "side")
    repository.commit({"A.java": java("        one();")})
    repository.commit({"A.java": java("        one();", "        two();")})
    repository.run("checkout", "-q", "main")
    repository.commit({"B.java": java("        b();", "        c();")})
    repository.time += 3600
    repository.run("merge", "-q", "--no-ff", "-m", "merge", "side")
    made = read(repository, tmp_path)
    assert made.details["history"]["commits"] == 3
    assert added(files(made)["A.java"]) == ["        one();\n        two();"]
    assert files(made)["A.java"]["time"] == repository.time


@pytest.mark.parametrize(
    "name", ["a b.java", 'q"u\to\\te.java', "类/é.java", "-x.java", "B.JAVA", "n\nl.java", "a a.java"]
)
def test_a_path_may_hold_anything(repository: Repository, tmp_path: Path, name: str):
    repository.commit({name: java()})
    repository.commit({name: java("        one();")})
    (row,) = files(read(repository, tmp_path)).values()
    assert added(row) == ["        one();"]


def test_a_path_need_not_be_unicode(repository: Repository, tmp_path: Path):
    name = b"gr\xfc\xdfe.java".decode("utf-8", "surrogateescape")
    repository.commit({name: java()})
    repository.commit({name: java("        one();")})
    (row,) = files(read(repository, tmp_path)).values()
    assert added(row) == ["        one();"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_hunks_are_bytes_of_the_decoded_text(repository: Repository, tmp_path: Path, encoding: str):
    comment = "        // 会员的订单，合计与单价"
    repository.commit({"A.java": java(comment, end="\r\n").encode(encoding)})
    repository.commit({"A.java": java(comment, "        // 退款", "        one();", end="\r\n").encode(encoding)})
    row = files(read(repository, tmp_path))["A.java"]
    assert row["encoding"] == encoding
    assert [text.split() for text in added(row)] == [["//", "退款", "one();"]]


def test_utf16_and_what_was_binary_before_have_no_hunks(repository: Repository, tmp_path: Path):
    repository.commit({"A.java": java().encode("utf-16"), "B.java": java() + "\0"})
    repository.commit({"A.java": java("        one();").encode("utf-16"), "B.java": java()})
    last = repository.commit({"A.java": java("        two();").encode("utf-16"), "B.java": java("        b();")})
    found = files(read(repository, tmp_path))
    assert [added(found[name]) for name in ("A.java", "B.java")] == [[], ["        b();"]]
    assert found["A.java"]["time"] == last


def test_a_link_that_became_a_file_has_no_hunk(repository: Repository, tmp_path: Path):
    repository.commit({"A.java": java()})
    (repository.folder / "B.java").symlink_to("A.java")
    repository.commit({})
    (repository.folder / "B.java").unlink()
    time = repository.commit({"B.java": java("        b();")})
    row = files(read(repository, tmp_path))["B.java"]
    assert (row["time"], row["hunks"]) == (time, None)


def test_a_submodule_is_no_file(repository: Repository, tmp_path: Path):
    repository.commit({"A.java": java()})
    head = repository.run("rev-parse", "HEAD")
    repository.run("update-index", "--add", "--cacheinfo", f"160000,{head},S.java")
    repository.run("commit", "-q", "-m", "submodule")
    assert list(files(read(repository, tmp_path))) == ["A.java"]


def test_a_version_that_was_too_large_ends_the_history_of_its_file(repository: Repository, tmp_path: Path):
    repository.commit({"A.java": java()})
    repository.commit({"A.java": java("        one();")})
    repository.commit({"A.java": java("        one();") + "// " + "x" * 5_000})
    repository.commit({"A.java": java("        one();")})
    repository.commit({"A.java": java("        one();", "        two();")})
    made = read(repository, tmp_path, section=config.Ingest(max_bytes=2_000))
    assert added(files(made)["A.java"]) == ["        two();"]


def test_replaced_personal_data_moves_the_bytes(repository: Repository, tmp_path: Path):
    author = "        // wolfeschlegelsteinhausenbergerdorff@firma.de"
    repository.commit({"A.java": java(author)})
    repository.commit({"A.java": java(author, "        one(); // a@firma.de")})
    row = files(read(repository, tmp_path))["A.java"]
    assert added(row) == ["        one(); // name@example.com"]


def test_nobodys_configuration_runs_or_changes_anything(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    repository.commit({"A.java": java(), ".gitattributes": "*.java diff=evil"})
    repository.commit({"A.java": java("        one();")})
    repository.commit({"A.java": java("        one();", "        two();")})
    plain = read(repository, tmp_path)
    (tmp_path / "run").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    (tmp_path / "run").chmod(0o755)
    settings = (
        f'[diff "evil"]\n\ttextconv = {tmp_path}/run\n\tcommand = {tmp_path}/run\n[diff]\n\texternal = {tmp_path}/run\n'
        "\tnoprefix = false\n\tcontext = 9\n\tinterHunkContext = 9\n[log]\n\tshowSignature = true\n\tshowRoot = false\n"
        f"[color]\n\tui = always\n[gpg]\n\tprogram = {tmp_path}/run\n"
    )
    monkeypatch.setenv("HOME", str(write(tmp_path / "home", {".gitconfig": settings})))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", f"{tmp_path}/run")
    monkeypatch.setenv("GIT_DIFF_OPTS", "--unified=9")
    assert ingest(f"git+{repository.folder}", tmp_path / "again", history=100).digest == plain.digest
    assert not (tmp_path / "ran").exists()
    assert len(added(files(plain)["A.java"])) == 2


def test_a_history_without_end_is_given_up(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    repository.commit({"A.java": java()})
    slow = '#!/bin/sh\ncase "$*" in *--patch*) exec sleep 60;; esac\nPATH="${PATH#*:}" exec git "$@"\n'
    (write(tmp_path / "bin", {"git": slow}) / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    monkeypatch.setattr(gitclient, "_DEADLINE", 3.0)
    with pytest.raises(DataError, match="did not end within .* fewer commits"):
        read(repository, tmp_path)


def test_a_history_that_git_cannot_read_is_explained(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    repository.commit({"A.java": java()})
    monkeypatch.setattr(history, "LOG", ("log", "--nonsense"))
    with pytest.raises(DataError, match=r"git cannot read the repository: fatal: .*--nonsense.*; run git fsck"):
        read(repository, tmp_path)


def test_the_number_of_workers_does_not_change_a_byte(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for count in range(4):
        repository.commit({f"A{n}.java": java(*(f"        a{n}{line}();" for line in range(count))) for n in range(9)})
    monkeypatch.setattr("fimsmith.corpus.examine._BATCH_FILES", 2)
    digests = set()
    for workers in ("1", "3"):
        monkeypatch.setenv("FIMSMITH_WORKERS", workers)
        digests.add(ingest(f"git+{repository.folder}", tmp_path / workers, history=9).digest)
    assert len(digests) == 1


def test_without_history_nothing_is_noted(repository: Repository, tmp_path: Path):
    repository.commit({"A.java": java(), "B.java": java("        b();")})
    last = repository.commit({"A.java": java("        one();")})
    made = read(repository, tmp_path, 0)
    assert {(row["time"], row["hunks"]) for row in files(made).values()} == {(last, None)}
    assert "history" not in made.details
    assert "hunks" not in made.metrics


@pytest.mark.parametrize("source", [{"location": "app"}, {"location": "git+app", "kind": "text"}])
def test_history_where_there_is_none_to_read_is_refused(source: dict[str, str]):
    with pytest.raises(
        ValueError, match="'a' has no history of Java files to read: .*; change them, or take history out"
    ):
        config.Source.model_validate({"name": "a", "history": 3, **source})


def test_hunks_of_one_file_do_not_overlap(repository: Repository, tmp_path: Path):
    for count in range(1, 6):
        repository.commit({"A.java": java(*(f"        a{line % count}{line}();" for line in range(count)))})
    hunks = files(read(repository, tmp_path))["A.java"]["hunks"]
    spans = sorted(zip(hunks[::2], hunks[1::2], strict=True))
    assert all(one[1] < other[0] for one, other in pairwise(spans))
