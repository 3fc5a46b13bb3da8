"""Make much Java of less: copies whose words differ, so that no copy is near-duplicate to another.

    python benchmarks/grow.py /usr/lib/jvm/openjdk-17/src.zip 1000 FOLDER

Writes that many megabytes below FOLDER, a folder for each copy of the archive, files in the archive's order. In
every copy but the first, words of four letters and more that mean nothing to Java end in that copy's number.
"""

import argparse
import re
import zipfile
from pathlib import Path

from fimsmith import java

# the words that the parser knows besides
_KEPT = java.KEYWORDS | frozenset(
    {"exports", "false", "module", "null", "open", "opens", "permits", "provides", "record", "requires", "sealed"}
    | {"transitive", "true", "uses", "when", "with", "yield"}
)
_WORD = re.compile(r"\b[A-Za-z_]\w{3,}\b")


def main() -> None:
    """Write copies until there are enough bytes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path)
    parser.add_argument("megabytes", type=int)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    left = arguments.megabytes * 1_000_000
    with zipfile.ZipFile(arguments.archive) as archive:
        names = [name for name in archive.namelist() if name.endswith(".java")]
        copy = 0
        while left > 0:
            for name in names:
                text = varied(archive.read(name).decode("utf-8", "replace"), copy).encode()
                target = arguments.folder / f"copy-{copy}" / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(text)
                left -= len(text)
                if left <= 0:
                    return
            copy += 1


def varied(text: str, copy: int) -> str:
    """Return a file in the words of a copy."""
    if not copy:
        return text
    return _WORD.sub(lambda found: found[0] if found[0] in _KEPT else f"{found[0]}{copy}", text)


if __name__ == "__main__":
    main()
