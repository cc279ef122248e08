import pytest

from ops.captions import caption_of_label, indefinite_article, replace_head_noun


@pytest.mark.parametrize(
    ("caption", "label", "expected"),
    [
        ("a wooden bench", "table", "a wooden table"),
        ("a brown object", "dining table", "a brown dining table"),
        ("an object", "chair", "a chair"),
        ("a chair", "armchair", "an armchair"),
        ("an old chair", "ottoman", "an old ottoman"),
        ("A red bowl on the counter.", "sink", "a red sink on the counter"),
        ("the red car parked on the street", "bus", "the red bus parked on the street"),
        ("a pair of red shoes", "slippers", "a red slippers"),
        ("a piece of furniture", "cabinet", "a cabinet"),
        ("a stack of white paper on a desk", "book", "a white book on a desk"),
        ("a black and white cat", "dog", "a dog and white cat"),
        ("red chair", "sofa", "red sofa"),
        ("a large, brown couch", "sofa", "a sofa, brown couch"),
        ("", "table", "a table"),
        ("a", "table", "a table"),
        ("on the wall", "picture", "a picture"),
    ],
)
def test_replace_head_noun(caption, label, expected):
    assert replace_head_noun(caption, label) == expected


@pytest.mark.parametrize(
    "word", ["apple", "orange", "umbrella", "hour", "honest", "x-ray", "uninteresting", "urn"]
)
def test_an(word):
    assert indefinite_article(word) == "an"


@pytest.mark.parametrize(
    "word", ["table", "university", "unit", "used", "European", "one", "utensil", "house", "ewer"]
)
def test_a(word):
    assert indefinite_article(word) == "a"


def test_the_article_looks_at_the_word_that_follows_it():
    assert replace_head_noun("a grey object", "armchair") == "a grey armchair"
    assert replace_head_noun("an orange object", "table") == "an orange table"
    assert caption_of_label("oven") == "an oven"
