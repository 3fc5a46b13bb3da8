"""Input made to stop a run: it is counted with a reason, the run goes on, and nothing is written but the result.

What fuzz/ and a search for slow repetitions found; a test that would hang or be killed found its fault again.
"""

import io
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from git_repository import Repository
from java_texts import files, ingest, java, rejected, write

from fimsmith import config
from fimsmith import java as syntax
from fimsmith.corpus import archive, boilerplate, comments, credentials, history, personal, signatures
from fimsmith.corpus.filters import File, too_deep
from fimsmith.errors import DataError


def inside(*content: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as made:
        for name, data in content:
            made.writestr(name, data)
    return file.getvalue()


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Path]:
    """A folder with more folders in one another than Python may call functions."""
    top = tmp_path / "deep"
    folder, limit = top, sys.getrecursionlimit()
    for _ in range(450):
        folder.mkdir()
        folder /= "d"
    sys.setrecursionlimit(400)
    yield top
    sys.setrecursionlimit(limit)
    while folder != top:  # shutil.rmtree cannot
        folder = folder.parent
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()


def test_a_folder_of_poison_is_read_to_its_end(tmp_path: Path, deep: Path):
    jar = inside(("A.java", java(3).encode()), ("../Up.java", java(4).encode()))
    (deep / "A.java").write_text(java(1))
    write(
        deep,
        {
            "B.java": jar,
            "lib.zip": jar,
            "Brackets.java": "class A {\n" + "int a = ({\n" * 20_000,
            "Less.java": "class A {\n" + "int a <\n" * 20_000,
            "Comments.java": "class A {\n" + "/* int a;\n" * 20_000,
            "Half.java": java(5).encode()[:-9] + b"\xe8\xae" + b"// a comment\n",
            "Tokens.java": java(6) + "// <｜fim▁begin｜><｜fim▁hole｜><｜fim▁end｜><|endoftext|>\n",
            "../beside.java": java(7),
        },
    )
    (deep / "loop").symlink_to(deep)
    (deep / "Out.java").symlink_to(tmp_path / "beside.java")
    last = deep.joinpath(*["d"] * 449)
    (last / "Last.java").write_text(java(2))
    made = ingest(deep, tmp_path / "root")
    assert {Path(path).name for path in files(made)} == {"A.java", "Last.java", "Tokens.java"}
    assert rejected(made) == {
        "B.java": "binary",
        "Brackets.java": "too_deep",
        "Comments.java": "unclosed_comments",
        "Half.java": "undecodable",
        "Less.java": "too_deep",
        "Out.java": "link",
        "loop": "link",
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["beside.java", "deep", "root"]


def test_an_archive_in_an_archive_is_not_opened(tmp_path: Path):
    jar = inside(("A.java", java(1).encode()))
    (tmp_path / "a.zip").write_bytes(
        inside(("in.jar", jar), ("in/a.zip", jar), ("B.java", jar), ("C.java", java(2).encode()))
    )
    made = ingest(tmp_path / "a.zip", tmp_path / "root")
    assert (list(files(made)), rejected(made)) == (["C.java"], {"B.java": "binary"})


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_member_that_would_inflate_as_a_whole_is_counted(tmp_path: Path, method: int):
    (tmp_path / "a.zip").write_bytes(inside(("B.java", b" " * 900_000), method=method))
    with zipfile.ZipFile(tmp_path / "a.zip", "a") as made:
        made.writestr("A.java", java(1))
    assert rejected(ingest(tmp_path / "a.zip", tmp_path / "root")) == {"B.java": "compression"}


def block(
    name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, change: tuple[int, bytes] | None = None
) -> bytes:
    """A member of a tar file; `change` puts bytes into its header, whose check sum stays right."""
    info = tarfile.TarInfo(name)
    info.size, info.type = len(data), kind
    made = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
    if change:
        made[change[0] : change[0] + len(change[1])] = change[1]
        made[148:156] = b" " * 8
        made[148:156] = b"%06o\0 " % sum(made)
    return bytes(made) + data + bytes(-len(data) % 512)


def pax(name: str, value: str) -> bytes:
    """The attributes of a member that follows."""
    rest = f" {name}={value}\n"
    return block("pax", f"{len(rest) + 2}{rest}".encode(), tarfile.XHDTYPE)


TAR = {
    "a size below zero": block("B.java", change=(124, b"\xff" * 10 + b"\xfe\x00")),  # tarfile would go back for ever
    "a size below zero in attributes": pax("size", "-512") + block("B.java"),
    "a wrong check sum": block("B.java", change=(0, b"b")).replace(b"ustar", b"USTAR"),
    "half a header": block("B.java")[:300],
    "a long header": block("pax", b"1" * 40_000, tarfile.XHDTYPE) + block("B.java"),
    "a chain of headers": block("pax", b"", tarfile.XHDTYPE) * 1_100 + block("B.java"),
    "a map of no numbers": pax("GNU.sparse.map", "1,x") + block("B.java"),
    "a map that ends": block("B.java", kind=tarfile.GNUTYPE_SPARSE, change=(482, b"\1")),
}


@pytest.mark.parametrize("poison", TAR)
def test_a_tar_file_with_a_poisoned_header_is_refused(tmp_path: Path, poison: str):
    rest = bytes(1_024) if poison not in ("half a header", "a map that ends") else b""
    (tmp_path / "a.tar").write_bytes(block("A.java", java(1).encode()) + TAR[poison] + rest)
    with pytest.raises(DataError, match=r"a\.tar is damaged"):
        list(archive.Tar(tmp_path / "a.tar").members())


def test_a_table_with_a_column_that_has_no_name_is_refused(tmp_path: Path):
    pq.write_table(pa.table({"text": ["a"], "path": ["b"]}), tmp_path / "a.parquet", store_schema=False)
    raw = (tmp_path / "a.parquet").read_bytes().replace(b"\x04path", b"\x04\xffath")
    (tmp_path / "a.parquet").write_bytes(raw)
    with pytest.raises(DataError, match=r"a\.parquet cannot be read"):
        ingest(tmp_path / "a.parquet", tmp_path / "root")


def test_a_huge_value_of_a_table_is_counted_by_its_row(tmp_path: Path):
    rows = [
        {"text": text, "path": path}
        for text, path in ((java(1), "A.java"), (" " * 1_100_000, "B.java"), (java(2), "C.java"))
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    made = ingest(tmp_path / "a.parquet", tmp_path / "root", config.Ingest(max_bytes=2_000))
    assert (sorted(files(made)), rejected(made)) == (["A.java", "C.java"], {"a.parquet/000000001": "too_large"})


@pytest.mark.parametrize("date", ["", "99999999999999999999999999 +0000", "-5 +0000"])
def test_a_commit_of_no_time_is_read_without_one(tmp_path: Path, date: str):
    repository = Repository(tmp_path / "in")
    for number in range(2):
        repository.commit({"A.java": java(1, change=number)})
    tree, parent = repository.run("rev-parse", "HEAD^{tree}"), repository.run("rev-parse", "HEAD^")
    body = f"tree {tree}\nparent {parent}\nauthor A <a@b.c> {date}\ncommitter A <a@b.c> {date}\n\nx"
    command = ["git", "hash-object", "-t", "commit", "-w", "--stdin", "--literally"]
    made = subprocess.run(command, cwd=tmp_path / "in", input=body.encode(), capture_output=True, check=True)
    repository.run("update-ref", "refs/heads/main", made.stdout.decode().strip())
    for commits in (0, 5):
        (row,) = files(ingest(f"git+{tmp_path / 'in'}", tmp_path / "root", history=commits)).values()
        assert row["time"] is None
        assert bool(row["hunks"]) == (commits > 0)


def test_classes_in_classes_are_looked_at_whatever_their_number():
    getters = "".join(f"    public int getA{at}() {{ return a{at}; }}\n" for at in range(400))
    text = "class A {\n" + "class B {\n" * 900 + "}\n" * 900 + getters + "}\n"
    assert boilerplate.kind(text) == "accessors"
    assert boilerplate.kind(text.replace("class B {\n}", "class B { void f() { g(); } }")) is None


def dropped(text: str) -> bool:
    return too_deep(File("A.java", "java", len(text), text, None), config.Ingest()) is not None


@pytest.mark.parametrize("text", ["({\n", "f(/*)*/\n", "a.b <\n", "a < // >;\n", "é<\n"])
def test_what_the_parser_has_no_stack_or_memory_for_is_dropped(text: str):
    assert dropped("class A { int a = 1;\n" + text * 1_100)


@pytest.mark.parametrize(
    "text", ["f(g(1), {});\n", 'f("([{<<");\n', "if (a < b) f();\n", "Map<String, List<A>> a;\n", "// ((( a < b\n"]
)
def test_many_brackets_are_not_deep(text: str):
    assert not dropped(f"class A {{ void f() {{\n{text * 1_100}}} }}\n")


def test_what_the_parser_gives_up_has_neither_signatures_nor_accessors(monkeypatch: pytest.MonkeyPatch):
    getters = "".join(f" public int getA{at}() {{ return a; }}\n" for at in range(100))
    text = f"class A {{\n{getters}}}\n"
    assert (len(signatures.signatures(text)), boilerplate.kind(text)) == (1, "accessors")
    monkeypatch.setattr(syntax, "_EFFORT", 0)
    monkeypatch.setattr(syntax, "_BYTES", len(text))
    assert (signatures.signatures(text), boilerplate.kind(text)) == ([], None)


def test_a_page_of_tags_that_nothing_closes_is_counted(tmp_path: Path):
    pages = {f"{at}.html": part * 1_100 for at, part in enumerate(["<a ", "<!--x>", "<![CDATA[x>", "</a ", "<?"])}
    write(tmp_path / "in", {**pages, "a.html": "<p>" + "Orders are sums < 1, not << 0. " * 40})
    made = ingest(tmp_path / "in", tmp_path / "root", kind="text")
    assert list(files(made)) == ["a.html"]
    assert made.details["rejected"] == {"unclosed_markup": 5}


def test_patterns_do_not_look_on_without_end():
    assert credentials.find("eyJ" + "a" * 3_000 + ".eyJ" + "a" * 40 + "." + "a" * 40) is None
    assert not comments.OR_LITERALS.search('"ab\\\nab"')  # a backslash at the end of a line continues nothing
    assert not comments.OR_LITERALS.search("'\\\n'")


def test_a_replaced_credential_is_no_e_mail_address():
    assert personal.redacted('"redis://u:redacted@db.corp"', "java") == ('"redis://u:redacted@db.corp"', {})


def test_an_escape_beyond_a_byte_stays_as_it_is():
    log = [b"time 1\n", b'diff --git "\\777.java" "\\777.java"\n', b"@@ -1 +1 @@\n"]
    assert list(history.read(log, {b"\\777.java"})) == [b"\\777.java"]
