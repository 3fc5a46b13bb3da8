import io
import stat
import tarfile
import zipfile
from functools import partial
from pathlib import Path

import pytest
from java_texts import files, ingest, java, rejected

from fimsmith import config, records
from fimsmith.corpus import archive, tree
from fimsmith.errors import DataError


def make_zip(path: Path, content: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in content.items():
            archive.writestr(zipfile.ZipInfo(name, (2024, 2, 29, 12, 0, 0)), text, zipfile.ZIP_DEFLATED)
    return path


def make_tar(path: Path, content: dict[str, str], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, text in content.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(text.encode()), 1_700_000_000
            archive.addfile(info, io.BytesIO(text.encode()))
    return path


CONTENT = {"app/pom.xml": "", "app/src/A.java": java(1), "app/b.class": "x", "nested.zip": "PK", "B.java": java(2)}


@pytest.mark.parametrize("name", ["s.zip", "s-sources.jar"])
def test_a_zip_is_read_in_place(tmp_path: Path, name: str):
    found = files(ingest(make_zip(tmp_path / name, CONTENT), tmp_path / "out"))
    assert {path: (row["repository"], row["text"]) for path, row in found.items()} == {
        "src/A.java": ("app", java(1)),
        "B.java": ("code", java(2)),
    }
    assert {row["time"] for row in found.values()} == {1_709_208_000}


@pytest.mark.parametrize(
    ("name", "mode"),
    [("s.tar", "w"), ("s.tar.gz", "w:gz"), ("s.tgz", "w:gz"), ("s.tar.bz2", "w:bz2"), ("s.tar.xz", "w:xz")],
)
def test_a_tar_is_read_in_place(tmp_path: Path, name: str, mode: str):
    found = files(ingest(make_tar(tmp_path / name, CONTENT, mode), tmp_path / "out"))
    assert {path: (row["repository"], row["time"]) for path, row in found.items()} == {
        "src/A.java": ("app", 1_700_000_000),
        "B.java": ("code", 1_700_000_000),
    }


UNSAFE = ["../Up.java", "a/../../Up.java", "/etc/Abs.java", "C:\\Abs.java", "..\\Up.java"]


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_names_that_leave_the_archive_are_refused(tmp_path: Path, make):
    path = tmp_path / ("s.zip" if make is make_zip else "s.tar")
    made = ingest(make(path, {name: java(1) for name in [*UNSAFE, "a/..b/A.java"]}), tmp_path / "out")
    assert list(files(made)) == ["a/..b/A.java"]
    assert rejected(made) == {name.replace("\\", "/"): "unsafe_path" for name in UNSAFE}
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["out", path.name]


def test_links_in_archives_are_refused(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "s.zip", "w") as archive:
        link = zipfile.ZipInfo("L.java")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("A.java", java(1))
    assert rejected(ingest(tmp_path / "s.zip", tmp_path / "out")) == {"L.java": "link"}
    with tarfile.open(tmp_path / "s.tar", "w") as archive:
        for kind, name in ((tarfile.SYMTYPE, "L.java"), (tarfile.LNKTYPE, "H.java"), (tarfile.FIFOTYPE, "F.java")):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        info = tarfile.TarInfo("A.java")
        info.size = len(java(1))
        archive.addfile(info, io.BytesIO(java(1).encode()))
    assert rejected(ingest(tmp_path / "s.tar", tmp_path / "out")) == {
        "L.java": "link",
        "H.java": "link",
        "F.java": "not_a_file",
    }


def test_a_member_that_inflates_beyond_the_limit_is_not_inflated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = make_zip(tmp_path / "s.zip", {"A.java": java(1), "Bomb.java": "a" * 3_000_000})
    raw = bytearray(path.read_bytes())
    entry = raw.rindex(b"PK\x01\x02")
    raw[entry + 24 : entry + 28] = (100).to_bytes(4, "little")  # the directory says that it is small
    path.write_bytes(raw)
    read = []
    original = zipfile.ZipExtFile.read
    monkeypatch.setattr(zipfile.ZipExtFile, "read", lambda self, n=-1: read.append(n) or original(self, n))
    made = ingest(path, tmp_path / "out", config.Ingest(max_bytes=2_000))
    assert list(rejected(made)) == ["Bomb.java"]
    assert set(read) == {2_001}


def test_a_member_that_says_it_is_too_large_is_not_read(tmp_path: Path):
    path = make_tar(tmp_path / "s.tar", {"A.java": java(1), "Big.java": "a" * 5_000})
    assert rejected(ingest(path, tmp_path / "out", config.Ingest(max_bytes=2_000))) == {"Big.java": "too_large"}


@pytest.mark.parametrize("make", [make_zip, partial(make_tar, mode="w:xz")])
def test_an_archive_that_unpacks_to_a_thousand_times_its_size_is_refused(tmp_path: Path, monkeypatch, make):
    monkeypatch.setattr(tree, "_UNPACKED", 1_000_000)
    path = make(
        tmp_path / ("s.zip" if make is make_zip else "s.tar.xz"), {f"A{n}.java": "a\n" * 400_000 for n in range(3)}
    )
    with pytest.raises(DataError, match="would unpack to 2,400,000"):
        ingest(path, tmp_path / "out")
    with pytest.raises(DataError, match="3 too_large"):  # none of them would be unpacked
        ingest(path, tmp_path / "other", config.Ingest(max_bytes=10_000))


def test_a_tar_that_hides_gigabytes_that_nobody_wants_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tree, "_UNPACKED", 1_000_000)
    monkeypatch.setattr(archive, "_PASSED", 2_000_000)
    path = make_tar(tmp_path / "s.tar.bz2", {"disk.img": "a" * 3_000_000, "A.java": java(1)}, "w:bz2")
    with pytest.raises(DataError, match="would unpack to 3,000,"):
        ingest(path, tmp_path / "out")


def test_a_damaged_member_is_counted(tmp_path: Path):
    path = make_zip(tmp_path / "s.zip", {"A.java": java(1), "B.java": java(2)})
    raw = bytearray(path.read_bytes())
    start = raw.index(b"A.java") + len("A.java") + 20
    raw[start : start + 40] = b"\xff" * 40
    path.write_bytes(raw)
    assert rejected(ingest(path, tmp_path / "out")) == {"A.java": "broken"}


def test_an_encrypted_member_is_counted(tmp_path: Path):
    path = make_zip(tmp_path / "s.zip", {"A.java": java(1), "B.java": java(2)})
    raw = bytearray(path.read_bytes())
    raw[raw.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(raw)
    assert rejected(ingest(path, tmp_path / "out")) == {"B.java": "encrypted"}


@pytest.mark.parametrize("name", ["s.zip", "s.tar", "s.tar.gz", "s.tar.xz"])
def test_what_is_no_archive_is_refused_by_name_and_cause(tmp_path: Path, name: str):
    (tmp_path / name).write_bytes(b"not an archive at all" * 50)
    with pytest.raises(DataError, match=rf"{name} is damaged or not what its name says: .+; fetch or pack it again"):
        ingest(tmp_path / name, tmp_path / "out")


@pytest.mark.parametrize(("name", "mode"), [("s.tar.gz", "w:gz"), ("s.tar.xz", "w:xz"), ("s.tar", "w")])
def test_a_tar_that_ends_too_early_is_refused(tmp_path: Path, name: str, mode: str):
    content = {f"A{number}.java": java(number, lines=60) for number in range(20)}
    path = make_tar(tmp_path / name, content, mode)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match="is damaged"):
        ingest(path, tmp_path / "out")


def test_an_archive_without_java_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match="holds no files of kind java"):
        ingest(make_zip(tmp_path / "s.zip", {"a.class": "x"}), tmp_path / "out")


@pytest.mark.parametrize("time", ["inf", "nan", "1e30", "-5"])
def test_a_member_with_a_time_outside_the_calendar_is_read_without_it(tmp_path: Path, time: str):
    path = tmp_path / "a.tar"
    data = java("A").encode()
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("A.java")
        info.size, info.pax_headers = len(data), {"mtime": time}
        archive.addfile(info, io.BytesIO(data))
    (row,) = records.read(ingest(path, tmp_path).folder / "files.parquet")
    assert row["time"] is None
