"""Score the pairs of golden_codebleu.json with the package codebleu 0.7.0 and write the numbers into the file.

    pip install --no-deps codebleu==0.7.0   # its pin of tree-sitter is not a conflict of code
    python tests/evaluate/make_golden_codebleu.py

codebleu's data flow depends on the hash seed for some code; a pair for which it does is refused.
"""

import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

FILE = Path(__file__).with_name("golden_codebleu.json")
SEEDS = tuple(map(str, range(64)))
PACKAGES = ("codebleu", "tree-sitter", "tree-sitter-java")


def scores() -> list[dict[str, float]]:
    """Score all pairs in this process."""
    from codebleu import calc_codebleu

    pairs = json.loads(FILE.read_text(encoding="utf-8"))["pairs"]
    return [calc_codebleu([pair["reference"]], [pair["candidate"]], lang="java") for pair in pairs]


def main() -> None:
    """Score under several hash seeds and store what they agree on."""
    runs = []
    for seed in SEEDS:
        command = [sys.executable, __file__, "--print"]
        done = subprocess.run(command, env={**os.environ, "PYTHONHASHSEED": seed}, check=True, capture_output=True)
        runs.append(json.loads(done.stdout))
    golden = json.loads(FILE.read_text(encoding="utf-8"))
    for pair, *found in zip(golden["pairs"], *runs, strict=True):
        if any(other != found[0] for other in found):
            sys.exit(f"codebleu's score depends on the hash seed: {pair['reference']!r}")
        pair["scores"] = found[0]
    golden["versions"] = {name: metadata.version(name) for name in PACKAGES}
    FILE.write_text(json.dumps(golden, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    print(json.dumps(scores())) if "--print" in sys.argv else main()
