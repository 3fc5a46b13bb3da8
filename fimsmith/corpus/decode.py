"""Turn the bytes of a source file into text, or say why that is not possible.

Old company Java is often GBK, and Windows tools write UTF-16. Guessing wrong would train on
garbage, so every encoding but UTF-8 has to prove itself.
"""

import codecs
import re

_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_NON_ASCII = re.compile(r"[^\x00-\x7f]+")
_PRIVATE_USE = re.compile("[\ue000-\uf8ff]")
_IN_A_WORD = re.compile(r"(?<=[A-Za-z])[^\x00-\x7f](?=[A-Za-z])")
# rows of GB 2312 (lead bytes): A1-A3 signs, A6 Greek, A8 accents of pinyin, A9 lines, B0-D7 the 3,755 common characters.
# A byte and the next greater one are rather a table of Latin-1's letters. Surnames make up for rare given names.
_SIGNS, _COMMON_HAN = (0xA1, 0xA2, 0xA3, 0xA6, 0xA8, 0xA9), range(0xB0, 0xD8)
_RARE_SURNAMES = frozenset("闫覃臧佟邬邝谌芮郗邸佘阚荀郏逯亓隗郜")
_CELLS = range(0xA1, 0xFF)
_COMMON = _RARE_SURNAMES | frozenset(
    bytes((row, cell)).decode("gb18030")
    for row in (*_SIGNS, *_COMMON_HAN)
    for cell in _CELLS
    if row in _SIGNS or cell - row != 1
)
_LEAST_COMMON = 1 / 3  # of the distinct characters: names have rare ones; misread Latin-1 has next to no common ones
# where EUC-JP has them too, between characters that would be misread
_KANA = frozenset(bytes((row, cell)).decode("gb18030") for row in (0xA4, 0xA5) for cell in _CELLS)
_MOST_KANA = 0.2
# frequent syllables of Korean that read as characters hardly used in Chinese; in Korean they are nearly half of all
_SYLLABLES = (
    "다이니을지습는로하를시가스파정의용합기사트인어한은오않터대아위그드값름표패보치함식프입형나키전모면바업설중고명들"
    "여개블잘동료류과레호"
)
_KOREAN = frozenset(_SYLLABLES.encode("euc_kr").decode("gb18030"))
_LEAST_KOREAN, _LEAST_KINDS = 1 / 6, 2  # a single one may be a Chinese name's
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
    """Decode GB 18030 (which includes GBK and GB 2312) if the result is plausible Chinese.

    Latin-1 often decodes too, but to rare characters, most of them within words. Japanese and Korean decode to
    common characters: kana tell the one, its most frequent syllables the other.
    """
    decoded = _strict(data, "gb18030", "gb18030")
    if decoded is None or _PRIVATE_USE.search(decoded[0]):
        return None
    foreign = "".join(_NON_ASCII.findall(decoded[0]))
    korean = len(_KOREAN & set(foreign)) >= _LEAST_KINDS and _share(_KOREAN, foreign) > _LEAST_KOREAN
    if korean or _share(_KANA, foreign) > _MOST_KANA:
        return None
    common = _COMMON & set(_IN_A_WORD.sub("", decoded[0]))
    return decoded if len(common) >= _LEAST_COMMON * len(set(foreign)) else None


def _share(kind: frozenset[str], text: str) -> float:
    return sum(map(kind.__contains__, text)) / len(text)
