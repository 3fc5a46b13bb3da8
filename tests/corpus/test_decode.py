import pytest
from hypothesis import given
from hypothesis import strategies as st

from fimsmith.corpus.decode import decode

CHINESE = "package a;\n// 计算订单的总金额，包括折扣和运费\nclass 订单 { int 金额; }\n"


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (CHINESE.encode(), "utf-8"),
        (b"\xef\xbb\xbf" + CHINESE.encode(), "utf-8-sig"),
        (b"\xff\xfe" + CHINESE.encode("utf-16-le"), "utf-16-le"),
        (b"\xfe\xff" + CHINESE.encode("utf-16-be"), "utf-16-be"),
        (CHINESE.encode("utf-16-le"), "utf-16-le"),
        (CHINESE.encode("utf-16-be"), "utf-16-be"),
        (CHINESE.encode("gb18030"), "gb18030"),
        (CHINESE.encode("gbk"), "gb18030"),
    ],
)
def test_each_encoding_is_recognised_and_gives_the_same_text(data: bytes, encoding: str):
    assert decode(data) == (CHINESE, encoding)


@pytest.mark.parametrize(
    "text",
    [
        "// Größe für Straße",
        "// déjà vu: où est né Noël",
        'String s = "naïve café";',
        "// Ärger über Öl, ÄÖÜ",
        "// \xa9 2024 Société",
        'String from = "ÀÁÂÃÄÅ";',
        "static final int SITUAÇÃO_INVÁLIDA = 1; // INFORMAÇÕES",
    ],
)
def test_latin_1_is_not_taken_for_chinese(text: str):
    assert decode(text.encode("latin-1")) == "undecodable"


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        ("// 주문의 총 금액을 계산합니다. 고객 등급에 따라 할인을 적용한다", "euc_kr"),
        ("// 데이터베이스 연결 설정", "euc_kr"),
        ("// 사용자 정보를 저장합니다", "euc_kr"),
        ("// データベース接続を閉じる", "euc_jp"),
        ("// 受注データの検索処理を行う", "euc_jp"),
        ("// 注文の合計金額を計算する", "shift_jis"),
        ("// 計算訂單總金額，依客戶等級給予折扣", "big5"),
    ],
)
def test_no_other_language_of_asia_is_taken_for_chinese(text: str, codec: str):
    assert decode(text.encode(codec)) == "undecodable"


@pytest.mark.parametrize(
    "text",
    [
        "// 订单编号 // 客户名称 // 订单金额 // 合计金额",
        "// 订单金额\n" * 6,
        "// 根据编号查订单/保存订单/更改订单/获得列表/关闭",
        "// 计算订单总金额，根据客户等级给予折扣，并返回实际应付的金额（データ）",
    ],
)
def test_chinese_of_few_kinds_of_characters_is_read(text: str):
    assert decode(f"class A {{}}\n{text}".encode("gbk")) == (f"class A {{}}\n{text}", "gb18030")


@pytest.mark.parametrize(
    "text",
    [
        *(
            "陈鑫",
            "王昊",
            "李婷",
            "孙怡",
            "徐璐",
            "林晟",
            "王婧璇",
            "徐珺玥",
            "李俊聪",
            "闫鑫",
        ),  # one character is common at most
        "陈鑫\n * @author 陈鑫\n * @author 陈鑫",
        "———————— 查询接口 ————————",
        "————————",
        "第一章·概述",
        *("男", "推荐", "换行", "购买", "酒店", "肿瘤", "篮球"),
    ],
)
def test_a_name_or_a_sign_is_enough_to_read_chinese(text: str):
    text = f"/**\n * @author {text}\n */\nclass A {{}}\n"
    assert decode(text.encode("gbk")) == (text, "gb18030")


def test_bytes_of_no_encoding_are_undecodable():
    assert decode(b'class A { String s = "\xff\xfe\xfa\x80"; }') == "undecodable"


def test_nul_bytes_mean_binary():
    assert decode(b"\xca\xfe\xba\xbe\0\0\0\x34class A") == "binary"
    assert decode(b"class A {} \0") == "binary"


def test_half_a_surrogate_pair_is_undecodable():
    assert decode(b"\xff\xfe" + b"a\0\x00\xd8b\0") == "undecodable"


def test_line_ends_stay_as_found():
    assert decode(b"class A {\r\n}\r\n") == ("class A {\r\n}\r\n", "utf-8")


@given(st.binary(max_size=200))
def test_whatever_is_accepted_can_be_stored_as_utf_8(data: bytes):
    result = decode(data)
    if not isinstance(result, str):
        assert "\0" not in result[0]
        assert result[0].encode().decode() == result[0]


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff"), max_size=100))
def test_utf_8_is_never_taken_for_something_else(text: str):
    assert decode(text.encode()) == (text, "utf-8")
