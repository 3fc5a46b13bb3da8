import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from java_texts import java

from fimsmith.corpus import minhash

LICENCE = "/*\n * " + "This program belongs to the company and must not leave it. " * 12 + "\n */\n"


@pytest.mark.parametrize("change", [0, 5, 15, 30, 60])
def test_the_estimate_is_close_to_the_exact_similarity(change: int):
    pairs = [(java(key, lines=60), java(key, lines=60, change=change)) for key in range(20)]
    exact = [minhash.jaccard(*pair) for pair in pairs]
    estimated = [float(minhash.estimate(*map(minhash.signature, pair))) for pair in pairs]
    assert abs(np.mean(exact) - np.mean(estimated)) < 0.03
    assert max(abs(np.subtract(exact, estimated))) < 0.15


def test_similarity_is_that_of_runs_of_five_words():
    one, other = "a b c d e f g h", "a b c d e f g x"
    assert minhash.jaccard(one, other) == 3 / 5  # each has four runs


def test_small_files_are_estimated_without_bias():
    pairs = [(java(key, lines=4), java(key, lines=4, change=2)) for key in range(60)]
    errors = [float(minhash.estimate(*map(minhash.signature, pair))) - minhash.jaccard(*pair) for pair in pairs]
    assert abs(np.mean(errors)) < 0.03


def test_white_space_and_punctuation_do_not_matter():
    text = java(1)
    assert np.array_equal(minhash.signature(text), minhash.signature(text.replace("\n", "\r\n\t").replace(";", " ;")))


def test_the_licence_header_does_not_make_files_similar():
    left, right = LICENCE + java(1, lines=2), LICENCE + java(2, lines=2)
    assert minhash.jaccard(left, right) < 0.5
    assert minhash.jaccard(LICENCE + java(1), java(1)) == 1


def test_chinese_texts_are_compared_by_character():
    text = "计算订单的总金额包括折扣和运费然后把结果写入数据库并且通知仓库准备发货"
    assert minhash.jaccard(text, text[:-1] + "物") > 0.8


@pytest.mark.parametrize("text", ["", ";;; {}", "a", "a b c", "/* only a comment */"])
def test_texts_shorter_than_a_shingle_have_a_signature(text: str):
    assert minhash.signature(text).shape == (minhash.BINS,)
    assert minhash.jaccard(text, text) == 1


def test_signatures_are_the_same_in_another_process():
    code = f"from fimsmith.corpus import minhash; print(minhash.signature({java(3)!r}).tobytes().hex())"
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "7"}
    )
    assert other.stdout.strip() == minhash.signature(java(3)).tobytes().hex()


TEXTS = st.text(st.sampled_from("ab_Z09 .\n\0é订😀"), max_size=60)


@given(TEXTS)
@settings(deadline=None)
def test_words_are_runs_of_letters_and_single_characters_beyond_ascii(text: str):
    data = text.encode()
    found = [data[start:end] for start, end in zip(*minhash.places(data), strict=True)]
    assert found == re.findall(rb"\w+|[\xc2-\xf4][\x80-\xbf]+", data)


@given(st.lists(st.text("ab", min_size=1, max_size=20), min_size=1, max_size=20))
@settings(deadline=None)
def test_equal_words_and_only_those_have_equal_hashes(words: list[str]):
    hashes = minhash.words(" ".join(words))
    assert len(hashes) == len(words)
    assert len(set(hashes.tolist())) == len(set(words))


@pytest.mark.parametrize("size", [1, 8, 9, 16, 255, 256, 257, 1_000_000])
def test_one_letter_or_the_length_makes_another_word(size: int):
    word = "a" * size
    others = [word + "a", "b" + word[1:]]
    assert not set(minhash.words(" ".join(others)).tolist()) & set(minhash.words(word).tolist())


@given(st.lists(TEXTS | st.integers(0, 5).map(java), max_size=8))
@settings(deadline=None)
def test_texts_do_not_change_the_signatures_of_their_neighbours(texts: list[str]):
    together = minhash.signatures(texts)
    assert together.shape == (len(texts), minhash.BINS)
    for text, found in zip(texts, together, strict=True):
        assert np.array_equal(found, minhash.signature(text))
