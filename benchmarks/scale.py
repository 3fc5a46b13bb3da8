"""Measure how the global step of curate grows: CPU time, wall time and peak memory for many files.

    fimsmith ingest config.yaml                          # prints the folder of the result
    python benchmarks/scale.py FOLDER --files 100000 300000 1000000

The rows of an ingested source are written again and again under other repositories, their text cut
to one line. Shingles that fewer than 20 files share are another's in each copy, as if its own names were
different; what more files share, boilerplate, stays. So copies are as similar inside as the source,
and boilerplate is everywhere. Memory is that of the process (proportional set size), see data.py.
"""

import argparse
import hashlib
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from data import watch

from fimsmith import config, corpus, records
from fimsmith.corpus import minhash
from fimsmith.manifest import Manifest

_BOILERPLATE = 20  # files with the same shingle in a bin


def main() -> None:
    """Make the rows, curate them, and print one table row for each number of files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="result of ingest")
    parser.add_argument("--files", type=int, nargs="+", default=[100_000])
    parser.add_argument("--root", help="where the rows go, about 3 KB each; default: a temporary folder")
    parser.add_argument("--curate", action="store_true", help=argparse.SUPPRESS)  # what each measured process does
    arguments = parser.parse_args()
    if arguments.curate:
        corpus.curate(config.Curate(), [Manifest.read(arguments.folder / "manifest.json")], str(arguments.folder))
        return
    print("| files | wall s | CPU s | peak MB |\n|---|---|---|---|")
    for files in arguments.files:
        with tempfile.TemporaryDirectory(dir=arguments.root) as root:
            write(arguments.folder, Path(root), files)
            print("| {:,} | {:.1f} | {:.1f} | {:,.0f} |".format(files, *measure(Path(root))), flush=True)


def write(source: Path, folder: Path, files: int) -> None:
    """Write a manifest and so many rows."""
    rows = pq.read_table(source / "files.parquet")
    signatures = np.frombuffer(b"".join(rows["minhash"].to_pylist()), "<u4").reshape(-1, minhash.BINS)
    common = np.array([shared(column) for column in signatures.T]).T
    texts = pa.array([text[:80] for text in rows["text"].to_pylist()])
    rows = rows.set_column(rows.schema.names.index("text"), "text", texts)
    with pq.ParquetWriter(folder / "files.parquet", records.FILES) as file:
        for copy in range(-(-files // len(rows))):
            few = min(len(rows), files - copy * len(rows))
            file.write_table(varied(rows, signatures, common, copy).slice(0, few).cast(records.FILES))
    made = Manifest.read(source / "manifest.json")
    update = {"uri": str(folder), "metrics": {**made.metrics, "files": files}, "digest": f"{made.digest}-{files}"}
    made.model_copy(update=update).write(folder / "manifest.json")


def shared(bins: np.ndarray) -> np.ndarray:
    """Say of each row whether many have its value."""
    _, places, counts = np.unique(bins, return_inverse=True, return_counts=True)
    return counts[places] >= _BOILERPLATE


def varied(rows: pa.Table, signatures: np.ndarray, common: np.ndarray, copy: int) -> pa.Table:
    """Return the rows under other names, with other signatures."""
    other = (signatures ^ np.uint32(copy)) * np.uint32(0x9E3779B1)
    other = np.where(common, signatures, other ^ other >> np.uint32(15))
    new = {
        "id": [hashlib.sha256(f"{copy} {name}".encode()).hexdigest() for name in rows["id"].to_pylist()],
        "repository": [f"r{copy:05}"] * len(rows),
        "minhash": [row.tobytes() for row in other],
    }
    for name, values in new.items():
        rows = rows.set_column(rows.schema.names.index(name), name, pa.array(values, records.FILES.field(name).type))
    return rows


def measure(folder: Path) -> tuple[float, float, float]:
    """Curate in a process of its own and return its wall seconds, CPU seconds and peak memory in MB."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    child = subprocess.Popen([sys.executable, __file__, str(folder), "--curate"], stdout=sys.stderr)
    peak = [0.0]
    watcher = threading.Thread(target=watch, args=(child, peak), daemon=True)
    watcher.start()
    if child.wait():
        sys.exit("curate failed")
    watcher.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - start, cpu, peak[0]


if __name__ == "__main__":
    main()
