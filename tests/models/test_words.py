import hashlib
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from models.text.vocabulary import SynonymTable, singular, words_of
from models.text.words import WordsEncoder, word_vector
from schema.config_models import WordsTextConfig
from schema.errors import ConfigError

SYNONYMS = [["sofa", "couch", "settee"], ["tv", "television", "tv monitor"], ["dining table", "dinner table"]]


@pytest.fixture(scope="module")
def words():
    return WordsEncoder(WordsTextConfig(dim=512), synonyms=SYNONYMS)


def cosine(words, a, b):
    rows = words.encode([a, b]).astype(np.float64)
    return float(rows[0] @ rows[1])


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("a chair in a scene", "chair"),
        ("Chairs!", "chair"),
        ("a photo of the TV", "television"),
        ("a couch", "settee"),
        ("tv monitor", "tv"),
        ("red dining table", "dining table, red"),
        ("dinner tables", "a dining table"),
        ("bookshelves", "bookshelf"),
        ("\uff43hair", "chair"),
    ],
)
def test_the_same_thing_said_differently(words, a, b):
    assert cosine(words, a, b) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("a brown table", "table", 1 / np.sqrt(2)),
        ("a brown dining table", "dining table", 2 / np.sqrt(6)),
        ("a brown chair", "a brown table", 0.5),
        ("chair", "table", 0.0),
        ("glasses", "glass", 0.0),
    ],
)
def test_similarity_is_the_share_of_common_words(words, a, b, expected):
    assert cosine(words, a, b) == pytest.approx(expected, abs=0.15)


def test_rows_are_unit_float32_and_independent_of_their_neighbours(words):
    texts = [f"a {colour} thing{i}" for i in range(20) for colour in ("red", "blue")]
    rows = words.encode(texts)
    assert rows.dtype == np.float32
    assert rows.shape == (40, 512)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-6)
    np.testing.assert_array_equal(rows[[7]], words.encode([texts[7]]))
    assert words.encode([]).shape == (0, 512)


def test_a_word_vector_is_what_its_definition_says():
    stream = hashlib.shake_256(b"chair").digest(12 * 16)
    numbers = [2 * sum(stream[12 * i : 12 * i + 12]) - 12 * 255 for i in range(16)]
    norm = np.sqrt(sum(number * number for number in numbers))
    np.testing.assert_allclose(word_vector("chair", 16), np.array(numbers) / norm, rtol=1e-15)


def test_word_vectors_are_almost_gaussian_and_orthogonal():
    vectors = np.stack([word_vector(f"word{i}", 512) for i in range(100)])
    others = vectors @ vectors.T - np.eye(100)
    assert np.abs(others).max() < 0.25
    assert abs(np.sqrt(np.mean(others**2)) - 1 / np.sqrt(512)) < 0.005
    scaled = vectors.ravel() * np.sqrt(512)
    assert abs(np.mean(scaled**4) - 3.0) < 0.2  # Irwin-Hall of 12: 2.9


def test_the_same_in_another_process_with_another_hash_seed(words):
    program = (
        "import json\nfrom models.text.words import WordsEncoder\n"
        "from schema.config_models import WordsTextConfig\n"
        f"e = WordsEncoder(WordsTextConfig(dim=512), synonyms={SYNONYMS!r})\n"
        "print(json.dumps([e.space, e.encode(['a brown couch']).tobytes().hex()]))"
    )
    answers = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, check=True
        )
        answers.add(tuple(json.loads(done.stdout)))
    assert answers == {(words.space, words.encode(["a brown couch"]).tobytes().hex())}


def test_space_names_length_version_and_synonyms(words):
    other = WordsEncoder(WordsTextConfig(dim=256), synonyms=SYNONYMS)
    bare = WordsEncoder(WordsTextConfig(dim=512), synonyms=[])
    shuffled = WordsEncoder(WordsTextConfig(dim=512), synonyms=SYNONYMS[::-1])
    assert words.space.startswith("words:512:v1:")
    assert len({words.space, other.space, bare.space}) == 3
    assert shuffled.space == words.space


def test_unknown_words(words):
    known = ["a chair in a scene", "dining table", "sofa"]
    assert words.unknown_words(["a comfy green couch"], known) == ["comfy", "green"]
    assert words.unknown_words(["television", "chairs", "Lamp near the lamp"], known) == [
        "television",
        "lamp",
    ]
    assert words.unknown_words(["dinner table", "table"], known) == []


def test_stop_words_alone_are_words_but_nothing_is_not(words):
    assert np.linalg.norm(words.encode(["the scene"])) == pytest.approx(1.0)
    for text in ("", "  ", "?!"):
        with pytest.raises(ConfigError, match="holds no word"):
            words.encode([text])


def test_a_word_in_two_groups_is_refused():
    with pytest.raises(ConfigError, match="monitor"):
        SynonymTable([["tv", "monitor"], ["computer", "monitors"]])


def test_the_longest_phrase_wins():
    table = SynonymTable([["desk", "table"], ["dining table", "dinner table"]])
    assert [term.canonical for term in table.terms("a table by a dinner table")] == [
        ("desk",),
        ("dining", "table"),
    ]


@pytest.mark.parametrize(
    ("plural", "expected"),
    [
        ("chairs", "chair"),
        ("boxes", "box"),
        ("benches", "bench"),
        ("dishes", "dish"),
        ("houses", "house"),
        ("vases", "vase"),
        ("batteries", "battery"),
        ("pies", "pie"),
        ("shoes", "shoe"),
        ("knives", "knife"),
        ("people", "person"),
        ("bus", "bus"),
        ("cactus", "cactus"),
        ("glass", "glass"),
        ("tennis", "tennis"),
        ("clothes", "clothes"),
        ("tv", "tv"),
    ],
)
def test_singular(plural, expected):
    assert singular(plural) == expected
    assert singular(expected) == expected


def test_words_of():
    words = words_of("The dog\u2019s red-brown BED, 2nd floor_lamp")
    assert words == ["the", "dog", "red", "brown", "bed", "2nd", "floor", "lamp"]
