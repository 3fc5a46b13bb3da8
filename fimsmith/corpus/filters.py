"""Decide which files are worth training on: each filter returns the reason to drop a file, or None.

The limits on lines and letters are those of StarCoder (Li et al. 2023, arXiv:2305.06161).
"""

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fimsmith import config, randomness
from fimsmith.corpus import boilerplate, comments, licences

_ALPHANUMERIC = (
    bytes(range(ord("0"), ord("9") + 1)) + bytes(range(ord("A"), ord("Z") + 1)) + bytes(range(ord("a"), ord("z") + 1))
)
_NON_ASCII = re.compile(r"[^\x00-\x7f]+")
_GENERATED_PATH = re.compile(r"(?:^|/)(?:generated-(?:test-)?sources|(?:target|build)/generated[^/]*)/")
# at the start of a line: Hibernate's annotation of the same name stands on members, which are indented; MyBatis Generator
# marks members only, by an annotation or a tag
_GENERATED_TYPE = re.compile(
    r"^@(?:[\w.]+\.)?(?:Grpc)?Generated\b|@Generated\((?:value ?= ?)?\"org\.mybatis\.generator\.", re.MULTILINE
)
_GENERATED_MEMBER = re.compile(r"\* @mbg\.?generated\b")
_PACKAGE = re.compile(r"^[ \t]*(?:package|import|module|open module)\b", re.MULTILINE)
# in lower case, one of the hints in all that the patterns find
_GENERATED_HINTS = ("generated", "do not edit", "do not modify", "$antlr ", "此文件")
_GENERATED_NOTE = re.compile(
    r"generated (?:by|from|with|using|automatically|code|file)\b|auto-?generated|(?:automatically|mechanically) generated"
    r"|// \$antlr \d|此文件是?由[^\n]{1,100}生成"  # ANTLR 3, JAXB on a Chinese machine
)
# what follows `do not edit` where that is the file, not a part such as `the returned list`
_WHOLE_FILE = (
    r"(?= *(?:$|\n|\*/|[^\w\s*]|(?:it )?(?:directly|manually|by hand|unless)\b|or (?:edit|modify)\b|anything\b|generated\b"
    r"|(?:this|the) (?:[\w-]+ ){0,2}(?:file|class|interface|code|line|source|content|comment|block|section)))"
)
_GENERATED_BODY = re.compile(  # also between the package and the body
    rf"do not (?:edit|modify){_WHOLE_FILE}|\* @generated\b(?! not\b)|generated [^\n]{{1,60}} by hibernate tools"
    r"|this (?:class|interface|enum|file|code) (?:is|was|has been) (?:auto-?|automatically )?generated (?:by|from|with|using)\b"
)
_DESCRIPTIONS = ("package-info.java", "module-info.java")
_MOST_UNCLOSED = 100  # comments that nothing ends
_DEEPEST = 1_000  # brackets in brackets; 1,500 files of the JDK have up to 13
# stretches without punctuation but < and what may stand in a type; in a < b < c the parser keeps both readings, and all of it
_NAMES = re.compile(r"[^!\"#%-\-/:;=>\[-^`{-~]+")
_HEAD = 20_000  # characters in which a generator announces itself


@dataclass(frozen=True)
class File:
    """A decoded file as the filters see it."""

    path: str  # below the source, with forward slashes
    kind: str  # java | text
    size: int  # bytes as found; of a page, those of its text
    text: str
    licence: str | None  # SPDX expression

    @cached_property
    def ascii(self) -> bytes:
        """The ASCII characters of the text."""
        return self.text.encode("ascii", "ignore")

    @cached_property
    def signs(self) -> bytes:
        """The ASCII characters that are neither letters nor digits."""
        return self.ascii.translate(None, _ALPHANUMERIC)


def reason(file: File, section: config.Ingest) -> str | None:
    """Return why a file is dropped, or None where it is kept."""
    return (
        too_small(file, section)
        or long_lines(file, section)
        or low_alphanumeric(file, section)
        or unclosed_comments(file, section)
        or too_deep(file, section)
        or generated(file, section)
        or licence(file, section)
        or too_plain(file, section)
    )


def too_small(file: File, section: config.Ingest) -> str | None:
    """Too little to learn from."""
    return "too_small" if file.size < section.min_bytes or not file.text.strip() else None


def long_lines(file: File, section: config.Ingest) -> str | None:
    """Minified code and data; prose has one line per paragraph and is exempt."""
    if file.kind != "java":
        return None
    text = file.text
    if _no_line_over(section.max_line, text) and len(text) <= section.mean_line * text.count("\n"):
        return None  # whatever else ends lines makes them shorter
    lines = text.splitlines()
    if max(map(len, lines)) > section.max_line:
        return "long_line"
    return "long_lines_mean" if sum(map(len, lines)) > section.mean_line * len(lines) else None


def low_alphanumeric(file: File, section: config.Ingest) -> str | None:
    """Tables, ASCII art, separators. Letters of all scripts count, Chinese too."""
    count = len(file.ascii) - len(file.signs)
    if len(file.ascii) < len(file.text):
        count += sum(map(str.isalnum, "".join(_NON_ASCII.findall(file.text))))
    return "low_alphanumeric" if count < section.min_alphanumeric * len(file.text) else None


def unclosed_comments(file: File, _: config.Ingest) -> str | None:
    """Text that begins comment after comment and ends none: the parser's time grows with its square."""
    if file.kind != "java":
        return None
    return "unclosed_comments" if file.text.count("/*", file.text.rfind("*/") + 1) > _MOST_UNCLOSED else None


def too_deep(file: File, _: config.Ingest) -> str | None:
    """Brackets, or less-than signs that nothing closes, at a depth where the parser runs out of stack or of memory."""
    if file.kind != "java" or max(map(file.signs.count, (b"(", b"[", b"{", b"<"))) <= _DEEPEST:
        return None
    code = comments.OR_LITERALS.sub(" ", file.text)
    depths = [_depth(code, brackets) for brackets in ("()", "[]", "{}") if code.count(brackets[0]) > _DEEPEST]
    unclosed = [names.count("<") for names in _NAMES.findall(code)] if code.count("<") > _DEEPEST else []
    return "too_deep" if max(depths + unclosed, default=0) > _DEEPEST else None


def generated(file: File, section: config.Ingest) -> str | None:
    """Code that a tool writes: by its folder, by @Generated on the type, by what the head comment says."""
    if section.keep_generated:
        return None
    if _GENERATED_PATH.search(file.path):
        return "generated"
    if file.kind != "java":
        return None
    head = file.text[:_HEAD]
    if ("Generated" in head and _GENERATED_TYPE.search(head)) or ("@mbg" in head and _GENERATED_MEMBER.search(head)):
        return "generated"
    lower = head.lower()
    before_body, package = lower[: lower.find("{")], _PACKAGE.search(lower)
    before_package = lower[: package.start()] if package else before_body
    if not any(hint in part for part in (before_package, before_body) for hint in _GENERATED_HINTS):
        return None
    described = file.path.endswith(_DESCRIPTIONS)
    note = _GENERATED_NOTE.search(_comments(before_package, described))
    return "generated" if note or _GENERATED_BODY.search(_comments(before_body, described)) else None


def licence(file: File, section: config.Ingest) -> str | None:
    """Files whose licence is unknown or not on the list, where there is a list."""
    if section.licences is None or licences.allowed(file.licence, section.licences):
        return None
    return "licence"


def too_plain(file: File, section: config.Ingest) -> str | None:
    """Fields with their accessors, and tables of constants: a model needs to see some, not all of a company's."""
    if file.kind != "java" or section.keep_boilerplate >= 1:
        return None
    found = boilerplate.kind(file.text)
    return found if found and randomness.fraction("boilerplate", file.text) >= section.keep_boilerplate else None


def _no_line_over(most: int, text: str) -> bool:
    """Whether no more characters than that stand between two line feeds; looks at few of them."""
    start = 0
    while len(text) - start > most:
        feed = text.rfind("\n", start, start + most + 1)
        if feed < 0:
            return False
        start = feed + 1
    return True


def _depth(code: str, brackets: str) -> int:
    """How many brackets are open at most, as if those that close none were not there."""
    signs = np.frombuffer(code.encode(), np.uint8)
    opening, closing = map(ord, brackets)
    depths = np.cumsum((signs == opening).astype(np.int64) - (signs == closing))
    return int(np.max(depths - np.minimum(np.minimum.accumulate(depths), 0), initial=0))


def _comments(text: str, described: bool) -> str:
    """The comments of a text, without Javadoc where that describes a package or module, not the file."""
    return " ".join(comment for comment in comments.ANY.findall(text) if not (described and comment.startswith("/**")))
