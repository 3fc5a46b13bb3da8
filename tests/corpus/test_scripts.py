"""Which scripts a text is written in."""

import pytest

from fimsmith.corpus.scripts import scripts

CODE = "class Order { int total; }\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (CODE, ["Latin"]),
        ("订单的总金额,含税。", ["Han"]),
        ("注文の合計です", ["Han", "Kana"]),
        ("주문 합계", ["Hangul"]),
        ("Сумма заказа", ["Cyrillic"]),
        ("σύνολο παραγγελίας", ["other"]),
        ("12 + 30 = 42 €", ["other"]),
        (f"/** 订单的总金额 */ {CODE}", ["Latin", "Han"]),
        (f"/** by Müller */ {CODE}", ["Latin"]),
        (f"/** by 张 */ {CODE * 3}", ["Latin"]),
        ("𠮷野家", ["Han"]),
    ],
)
def test_a_script_counts_from_a_fiftieth_of_the_letters(text: str, found: list[str]):
    assert scripts(text) == found
