"""Patterns of Java's comments and literals; possessive, so that they take linear time on text that ends no comment."""

import re

_BLOCK = r"/\*[^*]*+\*++(?:[^/*][^*]*+\*++)*+/"
ANY = re.compile(rf"{_BLOCK}|//[^\n]*")
HEAD = re.compile(rf"\s*({_BLOCK}|(?://[^\n]*(?:\n\s*|$))+)")  # what a file begins with, often its licence
OR_LITERALS = re.compile(
    rf"{ANY.pattern}|\"\"\"(?:[^\"\\]|\\.|\"(?!\"\"))*+\"\"\"|\"(?:[^\"\\\n]|\\[^\n])*+\"|'(?:[^'\\\n]|\\[^\n])*+'",
    re.DOTALL,
)
