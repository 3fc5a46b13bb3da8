"""Find the licence that a file or a LICENSE file states, as an SPDX expression."""

import re
from functools import lru_cache
from string import ascii_lowercase, ascii_uppercase

from fimsmith.corpus import comments

_HEAD = 6_000  # characters in which a licence is stated
_SPDX = re.compile(r"SPDX-License-Identifier:[ \t]*([A-Za-z0-9.+() -]*[A-Za-z0-9.+)])")
_PLAIN = bytes.maketrans(ascii_uppercase.encode() + b"*/#;|<>!-", ascii_lowercase.encode() + b" " * 9)
_GNU = re.compile(r"gnu (affero |lesser |library )?general public licen[sc]e")
_GNU_NAMES = {None: "GPL", "affero ": "AGPL", "lesser ": "LGPL", "library ": "LGPL"}
_INNERMOST, _YES, _NO = re.compile(r"\(([^()]*)\)"), "\x01", "\0"  # parentheses, and what they come to
_VERSION = re.compile(r"\b(?:version |v\.? ?)(\d(?:\.\d)?)")

# Patterns begin with letters where they can: re looks for those ten times as fast as for anything else.
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
    (re.compile(r"under the(?<!not under the)(?<!not licensed under the) (?:terms of the )?mit license"), "MIT"),
    (re.compile(r"permission to use, copy, modify, and(?: or)? distribute this software for any purpose"), "ISC"),
    (re.compile(r"redistribution and use in source and binary forms(?=.*neither the name)"), "BSD-3-Clause"),
    (re.compile(r"redistribution and use in source and binary forms"), "BSD-2-Clause"),
)


def detect(text: str) -> str | None:
    """Return the SPDX expression stated at the head of a text, or None."""
    head = text[:_HEAD]
    comment = comments.HEAD.match(head)
    return (comment and _stated(comment[1])) or _detected(head)


@lru_cache(1_000)
def _stated(comment: str) -> str | None:
    """The licence of a file's first comment, which is often that of many files."""
    return _detected(comment)


def _detected(head: str) -> str | None:
    if stated := _SPDX.search(head):
        return stated[1].strip()
    plain = b" ".join(head.encode().translate(_PLAIN).split()).decode()
    for phrase, name in _RESTRICTED:
        if phrase.search(plain):
            return name
    if gnu := _GNU.search(plain):
        return _gnu(plain, gnu)
    return next((name for phrase, name in _PHRASES if phrase.search(plain)), None)


def allowed(expression: str | None, identifiers: list[str]) -> bool:
    """Whether an SPDX expression can be satisfied with the allowed identifiers: any side of OR, all sides of AND."""
    if not expression or len(expression) > _HEAD or _YES in expression:
        return False
    wanted = {identifier.lower() for identifier in identifiers} | {_YES}
    plain = " ".join(expression.lower().split())
    while inner := _INNERMOST.search(plain):
        plain = plain.replace(inner[0], _YES if _satisfied(inner[1], wanted) else _NO)
    return _satisfied(plain, wanted)


def _satisfied(plain: str, wanted: set[str]) -> bool:
    """The same without parentheses; AND binds closer."""
    return any(all(part.strip() in wanted for part in side.split(" and ")) for side in plain.split(" or "))


def _gnu(plain: str, found: re.Match[str]) -> str:
    """Name a licence of the GNU family: the one that is mentioned first, in the version next to it."""
    name = _GNU_NAMES[found[1]]
    version = _VERSION.search(plain, found.start()) or _VERSION.search(plain)
    number = version[1] if version else {"LGPL": "2.1", "AGPL": "3.0"}.get(name, "2.0")
    number = number if "." in number else f"{number}.0"
    terms = "or-later" if "any later version" in plain else "only"
    exception = " WITH Classpath-exception-2.0" if name == "GPL" and "classpath" in plain else ""
    return f"{name}-{number}-{terms}{exception}"
