"""Find credentials in source text: keys and tokens by their shape, passwords by what they are assigned to.

A file that holds one is dropped: a model can repeat what it was trained on. Texts that only look
like credentials (`changeit`, `${DB_PASSWORD}`, `xxxx`) must not cost a file.
"""

import math
import re
from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """A shape of credentials and the strings, one of which must occur before the pattern is tried."""

    name: str
    hints: tuple[str, ...]
    pattern: re.Pattern[str]  # its last group, or the whole match, is the credential


def _rule(name: str, hints: str, pattern: str) -> Rule:
    return Rule(name, tuple(hints.split()), re.compile(pattern))


_SHAPES = (
    _rule("aws-access-key", "AKIA ASIA", r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b"),
    _rule(
        "private-key",
        "PRIVATE",
        r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----[\s\"'+\\nr]*([A-Za-z0-9+/=]{40,})",
    ),
    _rule(
        "github-token", "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_", r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{60,})\b"
    ),
    _rule("gitlab-token", "glpat-", r"\bglpat-[\w-]{20,}"),
    _rule(
        "slack-token",
        "xox hooks.slack.com",
        r"\bxox[abeoprs]-[\w-]{20,}|hooks\.slack\.com/services/T\w{8,}/B\w{8,}/\w{20,}",
    ),
    _rule("google-key", "AIza", r"\bAIza[\w-]{35}(?![\w-])"),
    _rule("stripe-key", "_live_", r"\b[rs]k_live_[A-Za-z0-9]{20,}"),
    _rule("alibaba-key", "LTAI", r"\bLTAI[A-Za-z0-9]{12,20}\b"),
    _rule("npm-token", "npm_", r"\bnpm_[A-Za-z0-9]{36}\b"),
    _rule("json-web-token", "eyJ", r"\beyJ[\w-]{15,}\.eyJ[\w-]{15,}\.[\w-]{20,}"),
    _rule("connection-string", "://", r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@\"'<>]+:([^\s/:@\"'<>]{4,})@[\w.-]+"),
    _rule("connection-string", "jdbc:", r"\bjdbc:[^\s\"']{5,500}[?&;][Pp]ass(?:word|wd)=([^\s\"'&;]{4,})"),
)

_HINTS = ("passw", "passphrase", "pwd", "secret", "token", "key")
_ASSIGNMENT = re.compile(
    r"(?i:passw(?:or)?d|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key)"
    r"[\w.-]{0,40}[\"']?\s{0,4}(?:=>|[=:,(])\s{0,4}\"([^\"\s\\]{8,200})\""
)
_PLACEHOLDER = re.compile(
    r"[$#%]\{|\{\{|<\w|\{\d*\}|%[sd]|\*{3}|\.{3}|x{4}|passw(?:or)?d|secret|token|credential|api_?key|your[_-]|change_?(?:it|me)"
    r"|example|dummy|sample|placeholder|redacted|default|foobar|test|12345|abcd|qwert|hmac|sha-?\d|md5|pbkdf|https?:",
    re.IGNORECASE,
)
_PARTS = re.compile(r"[._:/-]|(?<=[a-z0-9])(?=[A-Z])")
_WORD_AND_DIGIT = re.compile(r"[A-Za-z]*\d{0,2}")
_LEAST_ENTROPY = 3.0  # bits per character; random text of 10 characters has about 3.3, words have below 3


def find(text: str) -> str | None:
    """Return the name of the first rule that finds a credential, or None."""
    for rule in _SHAPES:
        if any(hint in text for hint in rule.hints):
            for match in rule.pattern.finditer(text):
                if not _is_placeholder(match[match.lastindex or 0]):
                    return rule.name
    lower = text.lower()
    if any(hint in lower for hint in _HINTS) and any(_is_random(match[1]) for match in _ASSIGNMENT.finditer(text)):
        return "assigned-secret"
    return None


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
