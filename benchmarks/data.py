"""Measure the data stages on real code: wall time, CPU time and peak memory of every stage.

    python benchmarks/data.py /usr/lib/jvm/openjdk-17/src.zip --model fimsmith-data/tiny-model

The stages run as a person runs them (`fimsmith ingest …`), one process tree each, in a new folder.
Memory is the sum of the proportional set sizes of the tree, sampled every 0.2 seconds (Linux).
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import yaml

STAGES = ("ingest", "curate", "fim", "mix")


def main() -> None:
    """Run the stages and print one line for each, then a table row set in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("location", help="what sources.location takes: a folder, an archive, git+URL, maven:…")
    parser.add_argument("--model", required=True, help="folder with the tokenizer")
    parser.add_argument("--sequence", type=int, default=4096)
    parser.add_argument("--root", help="where the results go; default: a temporary folder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.root) as root:
        path = Path(root) / "config.yaml"
        path.write_text(yaml.safe_dump(configuration(arguments, root)))
        rows = [measure(stage, path, Path(root)) for stage in STAGES]
    print("\n| stage | wall s | CPU s | peak MB | numbers |\n|---|---|---|---|---|")
    for row in rows:
        print("| {stage} | {wall:.1f} | {cpu:.1f} | {memory:,.0f} | {numbers} |".format(**row))
    print(f"| all | {sum(r['wall'] for r in rows):.1f} | {sum(r['cpu'] for r in rows):.1f} | | |")


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
    peak = [0.0]
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
    return {"stage": stage, "wall": time.monotonic() - start, "cpu": cpu, "memory": peak[0], "numbers": numbers}


def watch(child: subprocess.Popen, peak: list[float]) -> None:
    """Keep the largest memory of a process tree, in MB, until it ends."""
    while child.poll() is None:
        peak[0] = max(peak[0], sum(proportional(pid) for pid in tree(child.pid)) / 1000)
        time.sleep(0.2)


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
