"""Fuzz what reads sources: archives, archives in archives, tables, and what git prints of a history.

python fuzz/readers.py -max_total_time=60
"""

import gzip
import io
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import atheris
import seeds

with atheris.instrument_imports(include=["fimsmith", "zipfile", "tarfile"]):
    import tarfile
    import zipfile

    import pyarrow as pa
    import pyarrow.parquet as pq

    from fimsmith import config
    from fimsmith.corpus import history
    from fimsmith.corpus.examine import examine
    from fimsmith.corpus.sources import open_source
    from fimsmith.corpus.tree import safe
    from fimsmith.errors import DataError

LIMIT = 2_000  # bytes of a file
NAMES = ("a.zip", "a.tar", "a.tar.gz", "a.jsonl", "a.jsonl.gz", "a.parquet", "git")
INGEST = config.Ingest(max_bytes=LIMIT)
FOLDER = Path(tempfile.mkdtemp(prefix="fimsmith-fuzz-"))
JAVA = "class Order { int amount; } // whose amount is in the smallest unit of its currency"
LOG = rb"""time yesterday
diff --git A.java A.java
@@ -1,2 +3,4 @@ class A {
+    int b;
@@ -9 +12,0 @@
time 1700000000
diff --git "a\303\251.java" "a\303\251.java"
new file mode 100644
@@ -0,0 +1,40 @@
"""


def one(data: bytes) -> None:
    """Read one file; its first byte chooses what it is."""
    name, content = NAMES[(data or b"\0")[0] % len(NAMES)], data[1:]
    if name == "git":
        return _read_history(content)
    path = FOLDER / name
    path.write_bytes(_summed(content) if name == "a.tar" else content)
    source = config.Source(name="shop", location=str(path))
    try:
        for entry in open_source(source, LIMIT).entries():
            if ".jsonl" not in name and name != "a.parquet":  # a row is in memory, and its path is only a name
                assert len(entry.data) <= LIMIT + 1
                assert entry.reason or safe(entry.found)[1] is None
            (result,) = examine(INGEST, source, [entry])
            assert (result["text"] if isinstance(result, dict) else "".join(result)).encode()
    except DataError:
        pass
    assert list(FOLDER.iterdir()) == [path]
    path.unlink()


def _read_history(log: bytes) -> None:
    for past in history.read(log.splitlines(keepends=True), {b"A.java", "aé.java".encode()}).values():
        assert all(start < end for start, end in past.hunks)


def _summed(data: bytes) -> bytes:
    """A tar file whose headers have the right check sums, so that more of them than these is tried."""
    blocks = bytearray(data)
    for start in range(0, len(blocks) - 511, 512):
        if blocks[start + 257 : start + 262] == b"ustar":
            blocks[start + 148 : start + 156] = b" " * 8
            blocks[start + 148 : start + 156] = b"%06o\0 " % sum(blocks[start : start + 512])
    return bytes(blocks)


def _zip(content: dict[str, bytes], method: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return file.getvalue()


def _tar(content: dict[str, bytes], form: int) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form) as archive:
        for name, data in content.items():
            info = tarfile.TarInfo(name)
            info.size, info.pax_headers = len(data), {"comment": "é"}
            archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


def _seeds() -> Iterator[bytes]:
    content = {"app/pom.xml": b"", "app/A.java": JAVA.encode(), "LICENSE": b"the MIT license", "../B.java": b"x"}
    jar = _zip(content, zipfile.ZIP_DEFLATED)
    row = {"text": JAVA, "path": "A.java", "license": ["MIT"], "repo": "a/b"}
    lines, parquet = (json.dumps(row) + '\n{"text": 1}\n').encode(), io.BytesIO()
    pq.write_table(pa.Table.from_pylist([row, {"text": None}]), parquet, compression="zstd", store_schema=False)
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA):
        yield b"\0" + _zip({**content, "in.jar": jar, "J.java": jar}, method)
    for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        yield b"\1" + _tar({**content, "a" * 60 + "/" + "a" * 60 + ".java": JAVA.encode()}, form)
    yield b"\2" + gzip.compress(_tar(content, tarfile.USTAR_FORMAT))
    yield from (b"\3" + lines, b"\4" + gzip.compress(lines), b"\5" + parquet.getvalue(), b"\6" + LOG)


if __name__ == "__main__":
    seeds.fuzz(one, _seeds(), size=6_000)
