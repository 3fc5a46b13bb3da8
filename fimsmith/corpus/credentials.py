"""Find credentials in source text: keys and tokens by their shape, passwords by what they are assigned to.

A file that holds one is dropped, or the credential is replaced: a model can repeat what it was trained on. Texts
that only look like credentials (`changeit`, `${DB_PASSWORD}`, `xxxx`) must not cost a file.
"""

import math
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter

from fimsmith.corpus import comments, hints

REDACTED = "redacted"  # in small letters: where a backslash comes before it, \r is an escape as well

Span = tuple[int, int, str]  # start and end in characters, name of the rule


@dataclass(frozen=True, slots=True)
class Rule:
    """A shape of credentials."""

    name: str
    # regular expression of a part that every credential of this shape has, as RE2 and re read it; re is quick where it
    # begins with the same character
    hint: str
    pattern: re.Pattern[str]  # its last group, or the whole match, is the credential


def _rule(name: str, hint: str, pattern: str) -> Rule:
    return Rule(name, hint, re.compile(pattern))


_PRIVATE_KEY = "private-key"
_PIECES = "secret-in-pieces"
_IRREPLACEABLE = (_PRIVATE_KEY, _PIECES)  # what follows the first piece would stay
_BASE64 = "[A-Za-z0-9_+/-]"
# How private keys begin without PEM's lines: RSA in PKCS#8 and PKCS#1, EC in SEC 1 and PKCS#8, Ed25519. Public keys and
# certificates have no version in front, or another.
_DER = (
    rf"M(?:II{_BASE64}{{3}}IBA(?:DANBgkqhkiG9w0BAQEFAASC|A[JK])|H[Qc]CAQEEI|I(?:Gk|Hc)AgEBB|I[GH]{_BASE64}AgEAMB[AM]GByqGSM49AgEG"
    rf"|[DEG]{_BASE64}CAQAwE[Aw]YHKoZIzj0CAQY|C4CAQAwBQYDK2VwBCIEI)"
)
_SHAPES = (
    _rule("aws-access-key", "AKIA|ASIA", r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b"),
    _rule(
        "aws-secret-key",
        "AKIA|ASIA",
        r"\b(?:AKIA|ASIA)[A-Z2-7]{16}[\s\"',:;]{1,40}([A-Za-z0-9+/]{40})(?![A-Za-z0-9+/])",
    ),
    _rule(_PRIVATE_KEY, _DER, rf"{_DER}{_BASE64}{{24}}"),
    _rule(
        _PRIVATE_KEY, "b3BlbnNzaC1rZXktdjE", rf"b3BlbnNzaC1rZXktdjE{_BASE64}{{40}}"
    ),  # OpenSSH's, with PEM or without
    _rule(
        _PRIVATE_KEY,
        "PRIVATE",
        r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----(?:(?!-----END )[\s\S]){0,300}?((?=[A-Za-z+/]{0,60}[0-9])[A-Za-z0-9+/=]{40,})",
    ),
    _rule("github-token", "gh[pousr]_|github_pat_", r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{60,})\b"),
    _rule("gitlab-token", "gl(?:pat|rt)-", r"\bgl(?:pat|rt)-[\w-]{20,}"),
    _rule("slack-token", "xox", r"\bxox[abeoprs]-[\w-]{20,}"),
    _rule("slack-token", r"hooks\.slack\.com", r"hooks\.slack\.com/services/T\w{8,}/B\w{8,}/\w{20,}"),
    _rule("google-key", "AIza", r"\bAIza[\w-]{35}(?![\w-])"),
    _rule("google-secret", "GOCSPX-", r"\bGOCSPX-[\w-]{28}(?![\w-])"),
    _rule("sendgrid-key", r"SG\.", r"\bSG\.[\w-]{22}\.[\w-]{43}(?![\w-])"),
    _rule("pypi-token", "pypi-AgE", r"\bpypi-AgE[\w-]{50,}"),
    _rule("stripe-key", "_live_", r"\b[rs]k_live_[A-Za-z0-9]{20,}"),
    _rule("alibaba-key", "LTAI", r"\bLTAI[A-Za-z0-9]{12,20}\b"),
    _rule("tencent-key", "AKID", r"\bAKID[A-Za-z0-9]{32}\b"),
    _rule(
        "openai-key",
        r"sk-[A-Za-z0-9_-]{32}",
        r"\bsk-(?=[A-Za-z_-]{0,200}[0-9])(?=[\w-]{0,200}[A-Za-z0-9]{20})[A-Za-z0-9_-]{32,}",
    ),
    _rule("hugging-face-token", "hf_", r"\bhf_[A-Za-z0-9]{34}\b"),
    _rule("azure-key", "AccountKey=", r"\bAccountKey=([A-Za-z0-9+/]{80,}=*)"),
    _rule("azure-signature", "sig=[A-Za-z0-9%+/]{20}", r"[?&]sig=([A-Za-z0-9%+/]{43,80}(?:%3[Dd]|=))"),
    _rule(
        "authorization",
        r"[Bb](?:asic|ASIC|earer|EARER) [A-Za-z0-9_+/.~-]{20}",
        r"\b(?:[Bb]asic|BASIC|[Bb]earer|BEARER) (?=[^\s0-9]*[0-9])(?=[^\sA-Za-z]*[A-Za-z])(?=\S{0,200}[A-Za-z0-9+]{16})([A-Za-z0-9_+/.~-]{20,}=*)",
    ),
    _rule("npm-token", "npm_", r"\bnpm_[A-Za-z0-9]{36}\b"),
    _rule("json-web-token", "eyJ", r"\beyJ[\w-]{15,2000}\.eyJ[\w-]{15,2000}\.[\w-]{20,}"),
    _rule(
        "connection-string",
        r"://[^\s/:@\"'<>]*:[^\s/:@\"'<>]{4}",
        r"\b[a-z][a-z0-9+.-]{1,20}://(?:[^\s/:@\"'<>]+|(?!:(?:[0-9]{1,5}@|\{))):([^\s/:@\"'<>]{4,})@[\w.-]+",
    ),
    _rule("connection-string", "jdbc:oracle:", r"\bjdbc:oracle:\w+:[\w$#]+/([^\s/:@\"'<>]{4,})@"),
    _rule("connection-string", "jdbc:", r"\bjdbc:[^\s\"']{5,500}[?&;][Pp]ass(?:word|wd)=([^\s\"'&;]{4,})"),
)

_KEYS = "passw(?:or[dt]|d)|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key"
# re looks for one of few letters three times as fast; without case, \u017f is an s
_NAME = rf"(?=[apstAPST\u017f])(?i:{_KEYS})[\w.-]{{0,40}}"
_SHORT = "PASS|[Pp]ass|PW|[Pp]w"
_TO_VALUE = r"[\"']? ?[=:,(] ?\""
_BARE = r"[^\s\"'\\<>,;(){}&]{8,200}"
_ASSIGNMENTS = (
    re.compile(
        rf"{_NAME}\\?[\"']?(?:\s{{0,40}}(?:=>|[=(])\s{{0,40}}(?:\{{\s{{0,40}})?|\s{{0,4}}[:,]\s{{0,4}})"
        r"(?:\"([^\"\s\\]{8,200})\"|\\\"([^\"\s\\]{8,200})\\\"|'([^'\"\s\\]{8,200})')"
    ),
    # without quotes, as in properties, YAML, addresses and XML
    re.compile(rf"{_NAME}(?:[ \t]{{0,4}}[=:][ \t]{{0,4}}(?![/~.])({_BARE})(?=[\s\"'\\<}}&]|$)|>({_BARE})(?=</))"),
    # only as a word of its own and with quotes: bypass, compass
    re.compile(rf"(?=[Pp])(?:(?<![A-Za-z])(?:{_SHORT})|(?<=[a-z])Pass){_TO_VALUE}([^\"\s\\]{{8,200}})\""),
)
# the same for RE2, to which only ASCII is a letter, a digit or white space
_OTHER = r"\x{80}-\x{10ffff}"
_SPACE = rf"[{{\s\v\x1c-\x1f{_OTHER}]*"  # with the { of a list, for brevity
_VALUES = (
    rf"\\?[\"']?{_SPACE}(?:=>|[=:,(]){_SPACE}\\?[\"'][^\"\s\\\d]*[\d{_OTHER}]",
    rf"(?:[ \t]*[=:][ \t]*|>)[^\s\"'\\<>,;(){{}}&\d]*[\d{_OTHER}]",
)
_ASSIGNED = rf"(?i:{_KEYS})[\w.\-{_OTHER}]*(?:{'|'.join(_VALUES)})|(?:{_SHORT}){_TO_VALUE}[^\"\s\\\d]*[\d{_OTHER}]"
# in another literal: "…" + "…", {"…", "…"}
_GOES_ON = re.compile(r"\\?[\"']\s*(?:\+\s*\\?[\"'][\w+/=-]{8}|(?:,\s*[\"'][^\"'\n]{0,200}[\"']\s*){1,50}\})")
_PLACEHOLDER = re.compile(
    r"[$#%]\{|a-z|\[0-9|\{\{|<\w|\{\d*\}|%[sd]|\*{3}|\.{3}|x{4}|passw(?:or)?d|secret|token|credential|api_?key|your[_-]|change_?(?:it|me)"
    r"|example|dummy|sample|placeholder|redacted|default|foobar|test|12345|abcd|qwert|hmac|sha-?\d|md5|pbkdf|https?:",
    re.IGNORECASE,
)
_PARTS = re.compile(r"[._:/-]|(?<=[a-z0-9])(?=[A-Z])")
_WORD_AND_DIGIT = re.compile(r"[A-Za-z]*\d{0,2}")
_LEAST_ENTROPY = 3.0  # bits per character; random text of 10 characters has about 3.3, words have below 3
HINT = "|".join([*(rule.hint for rule in _SHAPES), _ASSIGNED])  # has a match in every text that holds a credential


def find(text: str) -> str | None:
    """Return the name of the first rule that finds a credential, or None."""
    assigned = _assigned(text) if hints.suspects([text], _ASSIGNED) else ()
    return next((rule for *_, rule in chain(_shapes(text), assigned)), None)


def redacted(text: str, kind: str) -> tuple[str, Counter[str]] | None:
    """Return a text with a placeholder for each credential, and how many there were of each rule.

    In Java the placeholder stays inside the string literal or comment, so the file parses as before. Returns None
    where that cannot be: a credential in the code itself, and private keys and values in pieces, of which only the
    beginning is found.
    """
    spans = _merged([*_shapes(text), *_assigned(text)])
    inside = list(_interiors(text)) if kind == "java" else [(0, len(text))]
    parts, done = [], 0
    for start, end, rule in spans:
        while kind == "java" and text[end - 1] == "\\":  # of an escape that ends behind the credential
            end -= 1
        place = bisect_right(inside, start, key=itemgetter(0)) - 1
        if rule in _IRREPLACEABLE or place < 0 or end > inside[place][1]:
            return None
        parts += [text[done:start], REDACTED]
        done = end
    clean = "".join([*parts, text[done:]])
    return None if find(clean) else (clean, Counter(rule for *_, rule in spans))


def _shapes(text: str) -> Iterator[Span]:
    for rule in _SHAPES:
        if re.search(rule.hint, text):
            for match in rule.pattern.finditer(text):
                group = match.lastindex or 0
                if not _is_placeholder(match[group]):
                    yield *match.span(group), rule.name


def _assigned(text: str) -> Iterator[Span]:
    for pattern in _ASSIGNMENTS:
        for match in pattern.finditer(text):
            group = match.lastindex or 0
            if _is_random(match[group]):
                yield *match.span(group), _PIECES if _GOES_ON.match(text, match.end(group)) else "assigned-secret"


def _merged(spans: list[Span]) -> list[Span]:
    """Spans in order, those that overlap as one; what cannot be replaced stays so."""
    merged: list[Span] = []
    for start, end, rule in sorted(spans):
        if merged and start < merged[-1][1]:
            first, last, known = merged.pop()
            start, end, rule = first, max(end, last), rule if rule in _IRREPLACEABLE else known
        merged.append((start, end, rule))
    return merged


def _interiors(text: str) -> Iterator[tuple[int, int]]:
    """What stands between the delimiters of Java's comments and literals."""
    for token in comments.OR_LITERALS.finditer(text):
        opening = next(mark for mark in ('"""', "/*", "//", '"', "'") if token[0].startswith(mark))
        closing = {"/*": 2, "//": 0}.get(opening, len(opening))
        yield token.start() + len(opening), token.end() - closing


def _is_placeholder(literal: str) -> bool:
    return len(set(literal)) < 4 or _PLACEHOLDER.search(literal) is not None


def _is_random(literal: str) -> bool:
    """Whether a literal is a password or token, not a name, a property key or a placeholder."""
    if _is_placeholder(literal) or not any(map(str.isdigit, literal)) or not any(map(str.isalpha, literal)):
        return False
    if all(_WORD_AND_DIGIT.fullmatch(part) for part in _PARTS.split(literal)):
        return False  # X-Auth-Header-V2, oauth2ClientId
    counts = Counter(literal).values()
    return -sum(n / len(literal) * math.log2(n / len(literal)) for n in counts) >= _LEAST_ENTROPY
