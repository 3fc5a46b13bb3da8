import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from java_texts import shape

from fimsmith.corpus import personal
from fimsmith.corpus.personal import redacted

EMAIL, PHONE, IDENTITY = "name@example.com", "13800138000", "11010519491231002X"


def clean(text: str, kind: str = "java") -> str:
    return redacted(text, kind)[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/** @author zhang.san@corp.com.cn */", f"/** @author {EMAIL} */"),
        ("// mail to <li-si+java@corp.io>, please", f"// mail to <{EMAIL}>, please"),
        ('String to = "wang@corp.cn;zhao@corp.cn";', f'String to = "{EMAIL};{EMAIL}";'),
        ('String to = "To:\\nwang@corp.cn\\n";', f'String to = "To:\\n{EMAIL}\\n";'),
        (
            'String s = """\n  wang@corp.cn "quoted" zhao@corp.cn\n  """;',
            f'String s = """\n  {EMAIL} "quoted" {EMAIL}\n  """;',
        ),
        ("/* 电话13912345678。 */", f"/* 电话{PHONE}。 */"),
        ('String phone = "+8613912345678";', f'String phone = "+86{PHONE}";'),
        ("// 139-1234-5678, 008613912345678", f"// {PHONE}, 0086{PHONE}"),
        ("// +86 139 1234 5678, 86-139-1234-5678", f"// +86 {PHONE}, 86-{PHONE}"),
        ('"%szhang@corp.cn" + "_zhang@corp.cn"', f'"{EMAIL}" + "{EMAIL}"'),
        ("// 身份证 440308199901101512", f"// 身份证 {IDENTITY}"),
        ("// zhang@corp.cn- or zhang@corp.cn-", f"// {EMAIL}- or {EMAIL}-"),
        ("// from a/ZHANG@corp.cn/li@corp.cn, //ZHANG@CORP.CN", f"// from a/{EMAIL}/{EMAIL}, //{EMAIL}"),
    ],
)
def test_personal_data_in_comments_and_strings_becomes_a_placeholder(text: str, expected: str):
    assert clean(text) == expected
    assert clean(expected) == expected


@pytest.mark.parametrize(
    "text",
    [
        "long phone = 13912345678L;",
        "class A { public@Override.Name int a; }",
        "// clone git@github.com:corp/shop.git, ask admin@example.org or root@mail.test",
        'Pattern p = Pattern.compile("[\\\\w.]+@[\\\\w.]+\\\\.com");',
        "// {@link Order} and a@b",
        '"440308199901101513"',  # the check digit is wrong
        '"440308199913101516"',  # no month
        '"0.13912345678" + "1391234567890" + "a13912345678" + "12345678901"',
        "char c = '@';",
        "// 160 1200 2400, 150-20-30, 1391-2345-678, 0139-1234-5678",
        '"images/logo@2x.png" + "icon@3x.SVG" + "ftp://anonymous@ftp.gnu.org/"',
        "// npm install vue@next.js, host/kdc.corp.com@CORP.COM",
    ],
)
def test_what_only_looks_like_personal_data_stays(text: str):
    assert clean(text) == text


def test_prose_is_redacted_everywhere():
    assert clean("Ask zhang@corp.cn or 13912345678.", "text") == f"Ask {EMAIL} or {PHONE}."


def test_the_counts_say_what_was_replaced():
    texts = ("// a@corp.cn b@corp.cn 13912345678", "class A {}", '"440308199901101512"')
    counts = [redacted(text, "java")[1] for text in texts]
    assert counts == [{"emails": 2, "phones": 1}, {}, {"identity_numbers": 1}]


PIECES = [
    "a@corp.cn",
    "13912345678",
    "440308199901101512",
    "\\n",
    "\\t",
    "\\\\",
    "\\u0041",
    " ",
    "订",
    "x",
    ".",
    "-",
    "+86",
    "*",
    "/",
]


@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
@settings(deadline=None)
def test_a_redacted_file_parses_as_before(inner: str):
    text = f'class A {{ /* {inner} */ String a = "{inner}"; // {inner}\n String b = """\n {inner}""" ; long c = 13912345678L; }}'
    assert shape(clean(text)) == shape(text)


@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
@settings(deadline=None)
def test_the_hints_hide_nothing(text: str):
    found, counts = redacted(text, "text")
    assert (found, counts) == personal._redacted(text, "text")
