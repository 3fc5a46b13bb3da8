"""Which scripts a text is written in: what a data card can say of its languages without guessing."""

import re

_LETTERS = re.compile(r"[^\W\d_]")
# blocks of the Unicode standard; Japanese has Kana beside Han
_SCRIPTS = {
    "Latin": re.compile(r"[A-Za-z\u00c0-\u024f]"),
    "Han": re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]"),
    "Kana": re.compile(r"[\u3040-\u30ff]"),
    "Hangul": re.compile(r"[\u1100-\u11ff\uac00-\ud7af]"),
    "Cyrillic": re.compile(r"[\u0400-\u052f]"),
}
_SHARE = 0.02  # of the letters: a name in another script does not count, a comment does


def scripts(text: str) -> list[str]:
    """Name the scripts that more than a fiftieth of a text's letters are of."""
    if text.isascii():
        return ["Latin"]
    letters = len(_LETTERS.findall(text))
    found = [name for name, pattern in _SCRIPTS.items() if len(pattern.findall(text)) > _SHARE * letters]
    return found or ["other"]
