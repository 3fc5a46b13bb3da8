"""Measure the data stages on real code: wall time, CPU time and peak memory of every stage.

    python benchmarks/data.py /usr/lib/jvm/openjdk-17/src.zip --model fimsmith-data/tiny-model

The stages run as a person runs them (`fimsmith ingest …`), one process tree each, in a new folder.
Memory is the sum of the proportional set sizes of the tree, and the largest of them, sampled every
0.2 seconds (Linux). Then one process makes samples of the first files in three ways, one after another,
each from a cold start, and reports bytes of source and samples per second of CPU time.
"""

import argparse
import itertools
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import yaml
from tokenizers import Tokenizer

from fimsmith import config, records
from fimsmith.fim import samples
from fimsmith.tokenizer import SourceTokenizer

STAGES = ("ingest", "curate", "fim", "mix")


def main() -> None:
    """Run the stages and print one line for each, then a table row set in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("location", help="what sources.location takes: a folder, an archive, git+URL, maven:…")
    parser.add_argument("--model", required=True, help="folder with the tokenizer")
    parser.add_argument("--sequence", type=int, default=4096)
    parser.add_argument("--files", type=int, default=1_000, help="files of the comparison; default: 1,000")
    parser.add_argument("--root", help="where the results go; default: a temporary folder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.root) as root:
        path = Path(root) / "config.yaml"
        path.write_text(yaml.safe_dump(configuration(arguments, root)))
        rows = [measure(stage, path, Path(root)) for stage in STAGES]
        compared = compare(arguments, next(Path(root).glob("curate/*/files-00000.parquet")))
    print("\n| stage | wall s | CPU s | peak MB | largest process, MB | numbers |\n|---|---|---|---|---|---|")
    for row in rows:
        print("| {stage} | {wall:.1f} | {cpu:.1f} | {memory:,.0f} | {process:,.0f} | {numbers} |".format(**row))
    print(f"| all | {sum(r['wall'] for r in rows):.1f} | {sum(r['cpu'] for r in rows):.1f} | | | |")
    print("\n| one core | CPU s | MB/s | samples/s |\n|---|---|---|---|")
    for row in compared:
        print("| {way} | {cpu:.1f} | {bytes:.2f} | {samples:,.0f} |".format(**row))


def configuration(arguments: argparse.Namespace, root: str) -> dict:
    """Return a configuration with one Java source and the defaults of every stage."""
    return {
        "run": {"root": root},
        "model": {"path": str(Path(arguments.model).absolute())},
        "sources": [{"name": "code", "location": arguments.location}],
        "fim": {"sequence": arguments.sequence, "max_middle": min(256, arguments.sequence // 2)},
        "mix": {"weights": {"code": 1.0}, "sequence": arguments.sequence, "max_epochs": 1},
    }


def measure(stage: str, path: Path, root: Path) -> dict:
    """Run one stage to its end and return its figures; earlier stages are reused."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    child = subprocess.Popen([str(Path(sys.executable).with_name("fimsmith")), stage, str(path)])
    peak = [0.0, 0.0]  # of the tree, of one process
    watcher = threading.Thread(target=watch, args=(child, peak), daemon=True)
    watcher.start()
    if child.wait():
        sys.exit(f"{stage} failed")
    watcher.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    manifests = [json.loads(found.read_text()) for found in root.glob(f"{stage}/*/manifest.json")]
    totals: dict[str, float] = {}
    for manifest in manifests:
        for name, value in manifest["metrics"].items():
            totals[name] = totals.get(name, 0) + value
    numbers = ", ".join(f"{name} {value:,.6g}" for name, value in totals.items())
    wall = time.monotonic() - start
    return {"stage": stage, "wall": wall, "cpu": cpu, "memory": peak[0], "process": peak[1], "numbers": numbers}


def watch(child: subprocess.Popen, peak: list[float]) -> None:
    """Keep the largest memory of a process tree and of one process, in MB, until it ends."""
    while child.poll() is None:
        sizes = [proportional(pid) / 1000 for pid in tree(child.pid)]
        peak[:] = max(peak[0], sum(sizes)), max(peak[1], *sizes)
        time.sleep(0.2)


def compare(arguments: argparse.Namespace, source: Path) -> list[dict]:
    """Measure fimsmith, the FIM of Megatron-LM and BigCode, and bare tokenizing on the same files."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    columns = ["id", "source", "group", "repository", "path", "kind", "bytes", "text", "split"]
    rows = list(itertools.islice(records.read(source, columns), arguments.files))
    texts = [row["text"] for row in rows]
    section = config.Fim(**configuration(arguments, "")["fim"])
    tokenizer = SourceTokenizer(arguments.model)
    whole = Tokenizer.from_file(str(Path(arguments.model) / "tokenizer.json"))
    size = sum(row["bytes"] for row in rows)
    ways: dict[str, Callable[[], int]] = {
        "fimsmith: tokenize each piece once, encode the cut lines again": lambda: fimsmith(section, tokenizer, rows),
        "Megatron-LM, BigCode: tokenize, cut at characters, encode three times": lambda: megatron(whole, texts),
        "tokenizers.encode_batch alone": lambda: encode_batch(whole, texts),
    }
    found = []
    for way, run in ways.items():
        start = time.process_time()
        made = run()
        cpu = time.process_time() - start
        found.append({"way": way, "cpu": cpu, "bytes": size / 1e6 / cpu, "samples": made / cpu})
    return found


def fimsmith(section: config.Fim, tokenizer: SourceTokenizer, rows: list[dict]) -> int:
    """Make samples as the fim stage does, written as it writes them; return how many."""
    with tempfile.TemporaryDirectory() as folder:
        with records.Writer(Path(folder) / "samples.parquet", records.SAMPLES) as writer:
            for start in range(0, len(rows), 32):
                writer.extend(samples.make(section, tokenizer, rows[start : start + 32]).samples)
        return writer.count


def megatron(tokenizer: Tokenizer, texts: list[str]) -> int:
    """Make one sample per file: from the token ids of the file back to text, two cuts, three encodings."""
    random.seed(0)
    for text in texts:
        text = tokenizer.decode(tokenizer.encode(text, add_special_tokens=False).ids, skip_special_tokens=False)
        first, second = sorted((random.randint(0, len(text)), random.randint(0, len(text))))
        for part in (text[:first], text[first:second], text[second:]):
            tokenizer.encode(part, add_special_tokens=False)
    return len(texts)


def encode_batch(tokenizer: Tokenizer, texts: list[str]) -> int:
    """Tokenize the files and make no samples of them: what any other way costs at least."""
    tokenizer.encode_batch(texts, add_special_tokens=False)
    return 0


def tree(root: int) -> list[int]:
    """Return the ids of a process and all its descendants."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                parents[int(entry)] = int(Path("/proc", entry, "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue  # ended meanwhile
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def proportional(pid: int) -> float:
    """Return the proportional set size of one process in kB; shared pages count in part."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    return next((float(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")), 0.0)


if __name__ == "__main__":
    main()
