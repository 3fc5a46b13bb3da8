"""Find e-mail addresses and Chinese phone and identity numbers in comments and string literals, and replace them.

A placeholder looks like what it replaces and stays in the same token, so the file parses as before.
"""

import re
from collections import Counter

from fimsmith.corpus import comments, hints

# placeholders that belong to nobody: RFC 2606, the number operators print on samples, the example of GB 11643
_PLACEHOLDERS = {"emails": "name@example.com", "phones": "13800138000", "identity_numbers": "11010519491231002X"}
_START = r"(?:(?<![\w.%+\\-])|(?<=\\[bfnrst]))"  # not inside a word; \n before it is an escape, not an n
_EMAIL = r"[A-Za-z0-9_%][\w.%+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,18}(?![\w@]|-\w)"
# digits in groups with dashes, or with spaces behind China's prefix
_PHONE = r"1[3-9]\d(?:-?\d{4}-?\d{4}|(?:(?<=86\d\d\d)|(?<=86[ -]\d\d\d)) \d{4} \d{4})"
_PERSONAL = re.compile(
    rf"{_START}(?:(?P<emails>{_EMAIL})|(?P<identity_numbers>[1-9]\d{{16}}[\dXx])(?!\w)|(?:(?:\+|00)?86[- ]?)?(?P<phones>{_PHONE})(?!\w))",
    re.ASCII,
)
# what every text with a match of _PERSONAL has, as RE2 reads it
HINT = r"[\w.%+-]@[\w-]+\.[A-Za-z]{2}|(?:^|\D|86)(?:1[3-9]\d[- ]?\d{4}[- ]?\d{4}|[1-9]\d{16}[\dXx])(?:\W|$)"
_FILES = "png|jpe?g|gif|svg|webp|bmp|ico|js|css|html?|json|xml|java|class|jar|properties"  # no domain ends so
_NOBODY = re.compile(
    rf"(?:git|redacted|anonymous)@|.*[@.](?:example(?:\.\w+)?|test|invalid|localhost)$|.*\.(?:{_FILES})$", re.IGNORECASE
)
_BIRTH = re.compile(r"\d{6}(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
_WEIGHTS = [2**power % 11 for power in range(17, 0, -1)]


def redacted(text: str, kind: str) -> tuple[str, Counter[str]]:
    """Return a text with placeholders, and how many of what were replaced; `kind` is that of the source."""
    return _redacted(text, kind) if hints.suspects([text], HINT) else (text, Counter())


def _redacted(text: str, kind: str) -> tuple[str, Counter[str]]:
    counts: Counter[str] = Counter()

    def placeholder(match: re.Match[str]) -> str:
        name = match.lastgroup or ""
        if not _is_personal(name, match[name]) or (name == "emails" and _is_service(match)):
            return match[0]
        counts[name] += 1
        return match[0].removesuffix(match[name]) + _PLACEHOLDERS[name]

    if kind != "java":
        return _PERSONAL.sub(placeholder, text), counts
    return comments.OR_LITERALS.sub(lambda token: _PERSONAL.sub(placeholder, token[0]), text), counts


def _is_personal(name: str, value: str) -> bool:
    if value == _PLACEHOLDERS[name]:
        return False
    if name == "emails":
        return not _NOBODY.match(value)
    return name == "phones" or (_BIRTH.match(value) is not None and _checks(value))


def _is_service(match: re.Match[str]) -> bool:
    """Whether an address is the rest of a service's name in Kerberos, as in host/kdc.corp.com@CORP.COM."""
    before = match.string[max(match.start() - 2, 0) : match.start()]
    return before[:1].isalpha() and before.endswith("/") and not any(map(str.islower, match[0].partition("@")[2]))


def _checks(number: str) -> bool:
    """Whether the last digit of an identity number is that of its others (GB 11643, ISO 7064 MOD 11-2)."""
    total = sum(int(digit) * weight for digit, weight in zip(number[:17], _WEIGHTS, strict=True))
    return "10X98765432"[total % 11] == number[17].upper()
