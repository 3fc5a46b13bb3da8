import os
import shutil
from pathlib import Path

import pytest
from java_texts import files, ingest, java, rejected, write

from fimsmith import config
from fimsmith.corpus.folder import Folder
from fimsmith.errors import DataError

needs_permissions = pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")


def test_links_are_counted_and_not_followed(tmp_path: Path):
    folder = write(tmp_path / "in", {"a/A.java": java(1)})
    (folder / "a" / "loop").symlink_to(folder)
    (folder / "B.java").symlink_to(folder / "a" / "A.java")
    made = ingest(folder, tmp_path / "out")
    assert list(files(made)) == ["a/A.java"]
    assert rejected(made) == {"B.java": "link", "a/loop": "link"}


def test_a_pipe_with_the_name_of_a_source_file_does_not_hang(tmp_path: Path):
    folder = write(tmp_path / "in", {"A.java": java(1)})
    os.mkfifo(folder / "B.java")
    assert rejected(ingest(folder, tmp_path / "out")) == {"B.java": "not_a_file"}


def test_git_folders_are_skipped(tmp_path: Path):
    folder = write(tmp_path / "in", {"A.java": java(1), "b/.git/Hook.java": java(2), "b/B.java": java(3)})
    assert sorted(files(ingest(folder, tmp_path / "out"))) == ["A.java", "B.java"]


@needs_permissions
def test_unreadable_files_and_folders_are_counted(tmp_path: Path):
    folder = write(tmp_path / "in", {"A.java": java(1), "B.java": java(2), "c/C.java": java(3)})
    (folder / "B.java").chmod(0)
    (folder / "c").chmod(0)
    try:
        assert rejected(ingest(folder, tmp_path / "out")) == {"B.java": "unreadable", "c": "unreadable"}
    finally:
        (folder / "c").chmod(0o700)


@needs_permissions
def test_a_location_without_permission_is_refused(tmp_path: Path):
    folder = write(tmp_path / "in", {"A.java": java(1)})
    folder.chmod(0)
    try:
        with pytest.raises(DataError, match="no permission to read"):
            ingest(folder, tmp_path / "out")
    finally:
        folder.chmod(0o700)


def test_a_file_that_disappears_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = write(tmp_path / "in", {"A.java": java(1), "B.java": java(2)})
    read = Folder.read
    monkeypatch.setattr(Folder, "read", lambda *given: ((folder / "B.java").unlink(missing_ok=True), read(*given))[1])
    assert rejected(ingest(folder, tmp_path / "out")) == {"B.java": "unreadable"}


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        ({}, "java", r"holds no files of kind java \(\*.java\)"),
        ({"README.md": "# Words about the shop. " * 9}, "java", "holds no files of kind java"),
        ({"A.java": java(1)}, "text", "holds no files of kind text"),
        ({"A.java": "x"}, "java", "none of 1 files can be used: 1 too_small"),
    ],
)
def test_a_folder_without_a_usable_file_is_refused(tmp_path: Path, content: dict[str, str], kind: str, message: str):
    (tmp_path / "in").mkdir()
    with pytest.raises(DataError, match=message):
        ingest(write(tmp_path / "in", content), tmp_path / "out", kind=kind)


def test_a_missing_location_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match="there is nothing at .*nowhere"):
        ingest(tmp_path / "nowhere", tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "kind", "hint"), [("a.rar", "java", r"\.zip"), ("a.md", "java", "set its kind to text")]
)
def test_a_file_of_an_unknown_kind_is_refused(tmp_path: Path, name: str, kind: str, hint: str):
    write(tmp_path, {name: "some text " * 20})
    with pytest.raises(DataError, match=hint):
        ingest(tmp_path / name, tmp_path / "out", kind=kind)


def test_a_single_text_file_is_a_source(tmp_path: Path):
    write(tmp_path, {"guide.md": "How orders are billed. " * 20, "other.md": "Another page. " * 20})
    assert list(files(ingest(tmp_path / "guide.md", tmp_path / "out", kind="text"))) == ["guide.md"]


def test_the_topmost_marked_folder_is_the_repository(tmp_path: Path):
    content = {
        "a/pom.xml": "",
        "a/core/pom.xml": "",
        "a/core/src/A.java": java(1),
        "x/b/build.gradle.kts": "",
        "x/b/B.java": java(2),
        "c/.git/HEAD": "",
        "c/C.java": java(3),
        "d/D.java": java(4),
    }
    found = files(ingest(write(tmp_path / "in", content), tmp_path / "out"))
    assert {path: row["repository"] for path, row in found.items()} == {
        "core/src/A.java": "a",
        "B.java": "x/b",
        "C.java": "c",
        "d/D.java": "code",
    }


def test_a_marked_source_is_one_repository_with_its_own_name(tmp_path: Path):
    folder = write(tmp_path / "in", {"pom.xml": "", "core/pom.xml": "", "core/A.java": java(1)})
    (row,) = files(ingest(folder, tmp_path / "out")).values()
    assert (row["repository"], row["path"]) == ("code", "core/A.java")


def test_a_given_repository_takes_all_files(tmp_path: Path):
    folder = write(tmp_path / "in", {"a/pom.xml": "", "a/A.java": java(1)})
    (row,) = files(ingest(folder, tmp_path / "out", repository="shop")).values()
    assert (row["repository"], row["path"]) == ("shop", "a/A.java")


def test_the_nearest_licence_file_counts_where_a_file_states_none(tmp_path: Path):
    content = {
        "LICENSE": "Apache License\nVersion 2.0, January 2004",
        "A.java": java(1),
        "third/LICENSE.txt": "Permission is hereby granted, free of charge, to any person",
        "third/x/B.java": java(2),
        "third/x/C.java": "// SPDX-License-Identifier: EPL-2.0\n" + java(3),
    }
    found = files(ingest(write(tmp_path / "in", content), tmp_path / "out", licence="ISC"))
    assert {path: row["licence"] for path, row in found.items()} == {
        "A.java": "Apache-2.0",
        "third/x/B.java": "MIT",
        "third/x/C.java": "EPL-2.0",
    }


@pytest.mark.parametrize(
    "acme",
    [
        b"ACME PROPRIETARY LICENCE. You may not copy, train on, or distribute this software.",
        b"Licensed under the MIT License. " + b" " * 100_000,
        b"\0 Licensed under the MIT License.",
        b"",
        None,
    ],
)
def test_a_licence_file_that_is_not_known_hides_the_one_above(tmp_path: Path, acme: bytes | None):
    folder = write(
        tmp_path / "in", {"LICENSE": "Licensed under the MIT License.", "A.java": java(1), "x/y/B.java": java(2)}
    )
    if acme is None:
        (folder / "x" / "COPYING").symlink_to("terms/ACME.txt")
    else:
        (folder / "x" / "COPYING").write_bytes(acme)
    made = ingest(folder, tmp_path / "out", config.Ingest(licences=["MIT"]))
    assert (list(files(made)), rejected(made)) == (["A.java"], {"x/y/B.java": "licence"})


def test_all_licence_files_of_a_folder_count_and_a_link_to_one_does_not(tmp_path: Path):
    content = {
        "LICENSE.md": "Licensed under the MIT License.",
        "A.java": java(1),
        "x/LICENSE": "SPDX-License-Identifier: MIT OR ISC",
        "x/COPYING": "GNU General Public License, version 2",
        "x/B.java": java(2),
    }
    folder = write(tmp_path / "in", content)
    (folder / "LICENSE").symlink_to("LICENSE.md")
    found = files(ingest(folder, tmp_path / "out"))
    assert {path: row["licence"] for path, row in found.items()} == {
        "A.java": "MIT",
        "x/B.java": "GPL-2.0-only AND (MIT OR ISC)",
    }


def test_terms_of_its_own_keep_a_file_from_the_licence_of_its_folder_but_not_of_its_source(tmp_path: Path):
    head = "/* Confidential and proprietary. Not licensed under the Apache License, Version 2.0. */\n"
    content = {"LICENSE": "Apache License, Version 2.0", "A.java": head + java(1)}
    folder = write(tmp_path / "in", content)
    assert files(ingest(folder, tmp_path / "out"))["A.java"]["licence"] is None
    assert (
        files(ingest(folder, tmp_path / "named", licence="LicenseRef-Acme"))["A.java"]["licence"] == "LicenseRef-Acme"
    )


def test_the_source_names_the_licence_of_files_that_state_none(tmp_path: Path):
    folder = write(tmp_path / "in", {"A.java": java(1)})
    assert files(ingest(folder, tmp_path / "out", licence="ISC"))["A.java"]["licence"] == "ISC"


def test_a_moved_copy_gives_the_same_result(tmp_path: Path):
    first = ingest(write(tmp_path / "in", {"a/A.java": java(1), "B.java": java(2)}), tmp_path / "out")
    shutil.copytree(tmp_path / "in", tmp_path / "copy")
    os.utime(tmp_path / "copy" / "B.java", (1, 1))
    second = ingest(tmp_path / "copy", tmp_path / "out")
    assert (second.digest, second.files) == (first.digest, first.files)


def test_an_unchanged_folder_is_reused_and_a_changed_one_is_read_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folder = write(tmp_path / "in", {"A.java": java(1)})
    first = ingest(folder, tmp_path / "out")
    assert ingest(folder, tmp_path / "out").uri == first.uri
    assert "reusing" in capsys.readouterr().out
    write(folder, {"A.java": java(2)})
    assert ingest(folder, tmp_path / "out").uri != first.uri


def test_names_that_are_not_unicode_are_stored(tmp_path: Path):
    folder = write(tmp_path / "in", {"A.java": java(1)})
    os.rename(os.fsencode(folder / "A.java"), os.fsencode(folder) + b"/B\xff.java")
    assert list(files(ingest(folder, tmp_path / "out"))) == ["B\ufffd.java"]


def test_files_over_the_limit_are_not_read(tmp_path: Path):
    folder = write(tmp_path / "in", {"A.java": java(1)})
    with open(folder / "Huge.java", "wb") as file:
        file.truncate(10**12)  # a sparse file: reading it would take forever
    section = config.Ingest(max_bytes=10_000)
    assert rejected(ingest(folder, tmp_path / "out", section)) == {"Huge.java": "too_large"}


def test_so_many_files_are_read_besides_those_that_cannot_be(tmp_path: Path):
    folder = write(tmp_path / "in", {f"A{n}.java": java(n) for n in range(4)} | {"Z.java": java(9) * 500})
    made = ingest(folder, tmp_path / "out", config.Ingest(max_bytes=10_000), max_files=3)
    assert sorted(files(made)) == ["A0.java", "A1.java", "A2.java"]
    assert rejected(made) == {"Z.java": "too_large"}
