"""Captions say what is so, in many forms, and never call one thing by two names."""

import re

import numpy as np
import pytest

from ops.colour_names import COLOUR_NAMES
from ops.rooms import ROOM_CLASSES, Piece
from ops.scale_captions import FACTS, attribute_text, facts_of, object_caption, scene_caption
from ops.scale_words import COLOR_WORDS, MATERIAL_WORDS, NAMES, OTHER_NAMES, SIZE_WORDS, names_of, plural

BOX = np.zeros((2, 3))
SOFA = Piece("sofa", "sofa", "three seats", "red", "fabric", "large", 7, BOX)
LAMP = Piece("otherfurniture", "lamp", "floor", "grey", "metal", "", 8, BOX)
PLANT = Piece("otherfurniture", "plant", "palm", "green", "plant", "", 11, BOX)
TABLE = Piece("table", "table", "plain", "brown", "wood", "small", 9, BOX)


def captions(piece, count=600):
    rng = np.random.default_rng(0)
    return [object_caption(piece, "living room", rng) for _ in range(count)]


def has(text, word):
    return re.search(rf"\b{re.escape(word)}\b", text) is not None


def names_in(text, kind):
    return [n for n in names_of(kind) if has(text, n) or has(text, plural(n))]


@pytest.mark.parametrize("piece", [SOFA, LAMP, TABLE, PLANT])
def test_what_a_caption_says_is_true_and_is_in_its_words(piece):
    true = dict(zip(FACTS, facts_of(piece), strict=True))
    for caption in captions(piece):
        said = dict(zip(FACTS, caption.said[0], strict=True))
        assert all(value in ("", true[name]) for name, value in said.items())
        for name, table in (("color", COLOR_WORDS), ("material", MATERIAL_WORDS), ("size", SIZE_WORDS)):
            words = {*table.get(true[name], ()), true[name]} - {""}
            assert bool(said[name]) == any(has(caption.text, word) for word in words), caption
        others = set(COLOUR_NAMES) - {true["color"]}
        assert not any(has(caption.text, word) for word in others)


def test_a_caption_uses_one_name_and_all_names_are_used():
    used = set()
    for caption in captions(SOFA):
        found = names_in(caption.text, "sofa")
        assert len(found) == (1 if caption.said[0][1] else 0), caption
        used.update(found)
    assert used == set(NAMES["sofa"])


def test_other_furniture_is_called_by_its_own_name_or_its_class():
    texts = [caption.text for caption in captions(LAMP)]
    assert any(has(text, "lamp") for text in texts)
    assert {name for name in OTHER_NAMES if any(has(text, name) for text in texts)} == set(OTHER_NAMES)
    assert not any(has(text, "lamp") and has(text, "other") for text in texts)


def test_captions_hold_the_forms_people_ask_in():
    texts = {caption.text for piece in (SOFA, TABLE) for caption in captions(piece, 3000)}
    assert {"something red", "a wooden table", "a sofa in a scene", "a photo of a couch"} <= texts
    assert any(text.endswith("made of wood") for text in texts)
    assert any("a red and fabric" in text for text in texts)


def test_a_plant_is_not_made_of_plant():
    assert facts_of(PLANT)[FACTS.index("material")] == ""
    assert not any(caption.text.count("plant") > 1 for caption in captions(PLANT))


def test_articles():
    orange = Piece("table", "table", "plain", "orange", "", "", 1, BOX)
    texts = {caption.text for caption in captions(orange)}
    assert "an orange table" in texts
    assert not any(re.search(r"\ban? (books|other)\b|\ba orange", text) for text in texts)
    books = Piece("otherfurniture", "books", "stack", "red", "", "", 1, BOX)
    assert not any(re.search(r"\ba (red )?books\b", caption.text) for caption in captions(books))


def test_scenes_name_each_kind_once():
    rng = np.random.default_rng(1)
    second = Piece("sofa", "sofa", "two seats", "blue", "leather", "", 10, BOX)
    seen = set()
    for _ in range(600):
        caption = scene_caption([SOFA, LAMP, TABLE, second], "office", rng)
        kinds = [said[1] for said in caption.said]
        assert len(kinds) == len(set(kinds)) <= 3
        assert sum(len(names_in(caption.text, "sofa")) for _ in "x") == ("sofa" in kinds)
        assert bool(caption.plan) == (has(caption.text, "office") or has(caption.text, "study"))
        seen.add(len(kinds))
    assert seen == {0, 1, 2, 3}


def test_a_view_without_objects_is_just_a_room():
    rng = np.random.default_rng(2)
    for _ in range(50):
        caption = scene_caption([], "kitchen", rng)
        assert has(caption.text, "kitchen")
        assert "with" not in caption.text


def test_no_name_belongs_to_two_kinds():
    kinds = {*NAMES, *ROOM_CLASSES, "box", "plant", "books"}
    names = [name for kind in kinds for name in names_of(kind)]
    assert len(names) == len(set(names))


def test_the_same_generator_gives_the_same_captions():
    assert captions(SOFA, 20) == captions(SOFA, 20)


def test_attribute_text():
    assert attribute_text("refrigerator", color="grey", size="large") == "a large grey refrigerator"
    assert attribute_text("books") == "books"
