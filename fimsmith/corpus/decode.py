"""Turn the bytes of a source file into text, or say why that is not possible.

Old company Java is often GBK, and Windows tools write UTF-16. Guessing wrong would train on
garbage, so every encoding but UTF-8 has to prove itself.
"""

import codecs
import re

_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_NON_ASCII = re.compile(r"[^\x00-\x7f]+")
_PRIVATE_USE = re.compile("[\ue000-\uf8ff]")
_LAST_COMMON_ROW = 0xD7  # GB 2312 lead bytes: A1-A9 symbols, B0-D7 the 3,755 common characters, above that rare ones
_KANA_ROWS = (0xA4, 0xA5)  # where EUC-JP has them too, between characters that would be misread
_FIRST_HAN_ROW, _LAST_HANGUL_ROW = 0xB0, 0xC8  # syllables of EUC-KR are common characters here, but none behind row C8
_LEAST_LATE, _FEW = 0.1, 20  # share of distinct characters that lie behind it, nearly half in Chinese; few say nothing
_LEAST_COMMON = 0.8  # of the non-ASCII characters; real Chinese has above 0.95, misread Latin-1 nearly 0
_LEAST_NULS = 0.2  # of the high bytes of UTF-16 without a byte order mark; Java with Chinese comments has above 0.5
_MOST_WRONG_NULS = 0.01  # of the low bytes


def decode(data: bytes) -> tuple[str, str] | str:
    """Return (text without its byte order mark, encoding), or the reason: `binary` or `undecodable`.

    Line ends stay as found. The text never holds a lone surrogate or a NUL.
    """
    decoded = _decoded(data)
    if decoded is None:
        return "binary" if b"\0" in data and not data.startswith(_UTF16_MARKS) else "undecodable"
    return "binary" if "\0" in decoded[0] else decoded


def _decoded(data: bytes) -> tuple[str, str] | None:
    if data.startswith(codecs.BOM_UTF8):
        return _strict(data[3:], "utf-8", "utf-8-sig")
    if data.startswith(codecs.BOM_UTF16_LE):
        return _strict(data[2:], "utf-16-le", "utf-16-le")
    if data.startswith(codecs.BOM_UTF16_BE):
        return _strict(data[2:], "utf-16-be", "utf-16-be")
    if b"\0" in data:  # ASCII in UTF-16 is also valid UTF-8, full of NULs
        order = _utf16_by_nuls(data)
        return _strict(data, order, order) if order else None
    return _strict(data, "utf-8", "utf-8") or _chinese(data)


def _strict(data: bytes, codec: str, name: str) -> tuple[str, str] | None:
    try:
        return data.decode(codec), name
    except UnicodeDecodeError:
        return None


def _utf16_by_nuls(data: bytes) -> str | None:
    """The byte order of UTF-16 without a mark, only when the NULs lie clearly on one side."""
    half = len(data) // 2
    if len(data) % 2:
        return None
    even, odd = data[::2].count(0) / half, data[1::2].count(0) / half
    if odd >= _LEAST_NULS and even <= _MOST_WRONG_NULS:
        return "utf-16-le"
    if even >= _LEAST_NULS and odd <= _MOST_WRONG_NULS:
        return "utf-16-be"
    return None


def _chinese(data: bytes) -> tuple[str, str] | None:
    """Decode GB 18030 (which includes GBK and GB 2312) if the result is common Chinese.

    Latin-1 often decodes too, but to rare characters: an accented letter and its neighbour fall
    outside the rows of common characters. Japanese and Korean decode to common ones, but not to all kinds of them.
    """
    decoded = _strict(data, "gb18030", "gb18030")
    if decoded is None or _PRIVATE_USE.search(decoded[0]):
        return None
    foreign = "".join(_NON_ASCII.findall(decoded[0]))
    leads = foreign.encode("gb2312", "ignore")[::2]
    common = sum(lead <= _LAST_COMMON_ROW and lead not in _KANA_ROWS for lead in leads)
    kinds = "".join(set(foreign)).encode("gb2312", "ignore")[::2]
    han = sum(lead >= _FIRST_HAN_ROW for lead in kinds)
    late = sum(lead > _LAST_HANGUL_ROW for lead in kinds)
    if late < _LEAST_LATE * (han - _FEW):
        return None
    return decoded if common >= _LEAST_COMMON * len(foreign) else None
