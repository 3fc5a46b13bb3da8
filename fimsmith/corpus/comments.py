"""Patterns of Java's comments; possessive, so that they take linear time on text that ends no comment."""

import re

_BLOCK = r"/\*[^*]*+\*++(?:[^/*][^*]*+\*++)*+/"
ANY = re.compile(rf"{_BLOCK}|//[^\n]*")
HEAD = re.compile(rf"\s*({_BLOCK}|(?://[^\n]*(?:\n\s*|$))+)")  # what a file begins with, often its licence
