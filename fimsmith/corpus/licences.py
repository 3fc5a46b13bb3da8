"""Find the licence that a file or a LICENSE file states, as an SPDX expression."""

import re
from collections.abc import Iterable
from functools import lru_cache
from string import ascii_lowercase, ascii_uppercase

from fimsmith.corpus import comments

UNKNOWN = ""  # terms are stated, but not which; those of the folder do not hold

_HEAD = 6_000  # characters in which a licence is stated
_COMMENTS = re.compile(rf"(?:{comments.HEAD.pattern})++")
_NEXT = r"\r?\n[ \t]*(?:\*(?!/)|//|#)?[ \t]*"
_LINE = r"(?:(?!\*/|-->|</|<br)[^\r\n\"'`\\])*+"
# an expression may go on in the next line; what stands for one that is filled in later is none
_SPDX = re.compile(rf"SPDX-License-Identifier:[ \t]*+(?![$%{{<])({_LINE}(?:{_NEXT}(?:AND|OR|WITH)\b{_LINE})*+)")
_BREAK = re.compile(_NEXT)
_NAME = r"[a-z0-9.+:-]++(?: with [a-z0-9.+:-]++)?+"
_BARE = str.maketrans("()", "  ")
_EXPRESSION = re.compile(rf"{_NAME}(?: (?:and|or) {_NAME})*+")  # without its parentheses
_PLAIN = bytes.maketrans(ascii_uppercase.encode() + b"*/#;|<>!-", ascii_lowercase.encode() + b" " * 9)
_GNU = re.compile(r"gnu (affero |lesser |library )?general public licen[sc]e")
_GNU_NAMES = {None: "GPL", "affero ": "AGPL", "lesser ": "LGPL", "library ": "LGPL"}
_INNERMOST, _YES, _NO = re.compile(r"\(([^()]*)\)"), "\x01", "\0"  # parentheses, and what they come to
_VERSION = re.compile(r"\b(?:version |v\.? ?)(\d(?:\.\d)?)")

# Licences that name others without giving them come before all others.
_RESTRICTED = (
    (
        re.compile(
            r"business source license(?:(?<=under the business source license)|(?<=by the business source license)"
            r"|\W* (?:1\.1|is a trademark))"
        ),
        "BUSL-1.1",
    ),
    (re.compile(r"elastic license\b(?<=\belastic license)"), "Elastic-2.0"),
    (re.compile(r"server side public license"), "SSPL-1.0"),
    (re.compile(r"commons clause"), "LicenseRef-Commons-Clause"),
    (re.compile(r"polyform \w+(?: \w+)? license"), "LicenseRef-PolyForm"),
    (re.compile(r"functional source license"), "LicenseRef-FSL"),
    (re.compile(r"cc by nc\b|creative commons attribution non ?commercial"), "LicenseRef-CC-BY-NC"),
    (
        re.compile(r"non ?commercial (?:use|purposes?) only|only for non ?commercial (?:use|purposes?)"),
        "LicenseRef-NonCommercial",
    ),
    (re.compile(r"shall be used for good, not evil"), "JSON"),
    (re.compile(r"proprietary(?:,? and|,)? confidential|confidential(?:,? and|,)? proprietary"), UNKNOWN),
    (re.compile(r"unauthori[sz]ed copying of this"), UNKNOWN),
)

# phrase (lower case, one space between words) -> SPDX identifier; the first that occurs wins
_PHRASES = (
    (re.compile(r"apache license,? (?:version |v)2\.0|apache\.org licenses license 2\.0"), "Apache-2.0"),
    (re.compile(r"eclipse public license,? ?(?:v|version )\.? ?2\.0|eclipse public license 2\.0"), "EPL-2.0"),
    (re.compile(r"eclipse public license,? ?(?:v|version )\.? ?1\.0"), "EPL-1.0"),
    (re.compile(r"mozilla public license,? (?:v\. ?|version )2\.0"), "MPL-2.0"),
    (re.compile(r"common development and distribution license"), "CDDL-1.0"),
    (re.compile(r"mulan psl ?v2|mulan permissive software license,? ?version 2"), "MulanPSL-2.0"),
    (re.compile(r"boost software license"), "BSL-1.0"),
    (re.compile(r"this is free and unencumbered software released into the public domain"), "Unlicense"),
    (re.compile(r"creative commons (?:cc0 |legal code cc0 )|cc0 1\.0 universal"), "CC0-1.0"),
    (re.compile(r"permission is hereby granted, free of charge"), "MIT"),
    (re.compile(r"under the (?:terms of the )?mit license"), "MIT"),
    (re.compile(r"permission to use, copy, modify, and(?: or)? distribute this software for any purpose"), "ISC"),
    (re.compile(r"redistribution and use in source and binary forms(?=.*neither the name)"), "BSD-3-Clause"),
    (re.compile(r"redistribution and use in source and binary forms"), "BSD-2-Clause"),
)

# Each phrase has one of these words; most code without a licence has none, which saves it all the rest.
_WORDS = (
    "licen", "permission", "redistribution", "commons", "commercial", "confidential", "unauthori",
    "by-nc", "by nc", "evil", "mulan", "unencumbered", "cc0",
)  # fmt: skip

# What comes before a phrase that does not name the licence of the file, or not of all of it.
_FILLER = (
    r" (?:be|been|is|are|it|this|file|code|software|licen[sc]ed|released|distributed|published|provided|offered|covered"
    r"|made|available|used|to|you|under|by|with|the|terms|conditions|and|of|an?)\b"
)
_NOT = re.compile(rf"(?:\b(?:not|never|no longer|formerly|previously)|cannot|n't)(?:{_FILLER})*+[ \"'(\[]*+$")
_PARTLY = re.compile(rf"\b(?:portions?|parts?)(?:{_FILLER})*+[ \"'(\[]*+$")
_OR = re.compile(rf"\bor(?:{_FILLER})*+[ \"'(\[]*+$")
_BEFORE = 100  # characters of it
_CHOICE = re.compile(
    r"under either|either of|one of the following|elect to|dual licen|your (?:option|choice)|alternatively"
)
_COPYLEFT = {"EPL-2.0", "EPL-1.0", "MPL-2.0", "CDDL-1.0"}


def detect(text: str, kind: str = "text") -> str | None:
    """Return the SPDX expression stated at the head of a text, UNKNOWN for terms of its own, or None.

    Java states it in comments: a literal may be the licence of what a program writes.
    """
    head = text[:_HEAD]
    comment = _COMMENTS.match(head)
    stated = _stated(comment[0]) if comment else None
    if stated is None and (stated := _detected(head)) is not None and kind == "java":
        return _detected(_commented(head))
    return stated


def _commented(head: str) -> str:
    """The comments of Java code, also one that the head cuts."""
    return "\n".join(found[0] for found in comments.OR_LITERALS.finditer(head + "\n*/") if found[0][0] == "/")


@lru_cache(1_000)
def _stated(comment: str) -> str | None:
    """The licence of a file's first comments, which are often those of many files."""
    return _detected(comment)


def _detected(head: str) -> str | None:
    if stated := list(filter(None, map(_tag, _SPDX.findall(head)))):
        return every(stated)
    lower = head.lower()
    if not any(word in lower for word in _WORDS):
        return None
    plain = b" ".join(head.encode().translate(_PLAIN).split()).decode()
    for phrase, name in _RESTRICTED:
        if phrase.search(plain):
            return name
    gnu = _GNU.search(plain)
    if gnu and "secondary license" not in plain[: gnu.start()]:  # as MPL and EPL call those that they allow besides
        return _gnu(plain, gnu)
    return _named(plain)


def _tag(lines: str) -> str:
    """What an SPDX tag says, whether that is an expression or not, without the end of its sentence or box."""
    return _BREAK.sub(" ", lines).rstrip(" \t.,;|*#/]}")


def _named(plain: str) -> str | None:
    """The licence whose phrase occurs; UNKNOWN where it is only said not to be the file's.

    A copyleft one beside it holds too, unless there is a choice.
    """
    named, denied, choice = [], False, _CHOICE.search(plain) is not None
    for phrase, name in _PHRASES:
        for found in phrase.finditer(plain):
            before = plain[max(0, found.start() - _BEFORE) : found.start()]
            if _NOT.search(before):
                denied = True
            elif not _PARTLY.search(before):
                named.append(name)
                choice = choice or _OR.search(before) is not None
                break
    if not named:
        return UNKNOWN if denied else None
    if named[0] in _COPYLEFT:
        return named[0]
    beside = [name for name in named if name in _COPYLEFT]
    return " OR ".join([named[0], *beside]) if choice else every([named[0], *beside])


def every(names: Iterable[str]) -> str:
    """The expression that asks for all of the licences, UNKNOWN where one of them is or there are none."""
    different = list(dict.fromkeys(names))
    if UNKNOWN in different:
        return UNKNOWN
    return " AND ".join(f"({name})" if len(different) > 1 and " " in name else name for name in different)


def allowed(expression: str | None, identifiers: list[str]) -> bool:
    """Whether an SPDX expression can be satisfied with the allowed identifiers: any side of OR, all sides of AND.

    What is no expression leaves no choice: an OR in it may be a word like any other.
    """
    if not expression or len(expression) > _HEAD or _YES in expression:
        return False
    wanted = {identifier.lower() for identifier in identifiers} | {_YES}
    plain = " ".join(expression.lower().split())
    choice = " or " if _EXPRESSION.fullmatch(" ".join(plain.translate(_BARE).split())) else "\n"
    while inner := _INNERMOST.search(plain):
        plain = plain.replace(inner[0], _YES if _satisfied(inner[1], wanted, choice) else _NO)
    return _satisfied(plain, wanted, choice)


def _satisfied(plain: str, wanted: set[str], choice: str) -> bool:
    """The same without parentheses; AND binds closer."""
    return any(all(part.strip() in wanted for part in side.split(" and ")) for side in plain.split(choice))


def _gnu(plain: str, found: re.Match[str]) -> str:
    """Name a licence of the GNU family: the one that is mentioned first, in the version next to it."""
    name = _GNU_NAMES[found[1]]
    version = _VERSION.search(plain, found.start()) or _VERSION.search(plain)
    number = version[1] if version else {"LGPL": "2.1", "AGPL": "3.0"}.get(name, "2.0")
    number = number if "." in number else f"{number}.0"
    terms = "or-later" if "any later version" in plain else "only"
    exception = " WITH Classpath-exception-2.0" if name == "GPL" and "classpath" in plain else ""
    return f"{name}-{number}-{terms}{exception}"
