"""Where a class stands among its prompt's tokens."""

import pytest

from models.generators.tokens import fill_prompt, token_positions
from schema.errors import ConfigError
from tests.pipelines import tokenizer


def spelled(prompt: str, positions: tuple[int, ...]) -> str:
    ids = tokenizer()(prompt)["input_ids"]
    return (
        "".join(tokenizer().convert_ids_to_tokens([ids[i] for i in positions])).replace("</w>", " ").strip()
    )


@pytest.mark.parametrize("name", ["chair", "shower curtain", "x-ray machine", "otherfurniture", "Chair"])
@pytest.mark.parametrize("template", ["{class}", "a good photo of a {class}", "a {class}, in a room"])
def test_the_tokens_found_spell_the_name(template: str, name: str) -> None:
    prompt, span = fill_prompt(template, name)
    found = spelled(prompt, token_positions(tokenizer(), prompt, span))
    assert found.replace(" ", "") == name.lower().replace(" ", "")


def test_one_word_of_many_tokens_and_two_words_of_one_each() -> None:
    prompt, span = fill_prompt("a good photo of a {class}", "shower curtain")
    assert token_positions(tokenizer(), prompt, span) == (6, 7)
    prompt, span = fill_prompt("a good photo of a {class}", "zebra")
    assert len(token_positions(tokenizer(), prompt, span)) > 1


def test_the_position_decides_and_not_the_spelling() -> None:
    prompt = "a chair of a chair"
    assert token_positions(tokenizer(), prompt, (2, 7)) == (2,)
    assert token_positions(tokenizer(), prompt, (13, 18)) == (5,)


@pytest.mark.parametrize("span", [(0, 0), (1, 2), (5, 99), (-1, 3)])
def test_a_span_without_a_word_is_refused(span: tuple[int, int]) -> None:
    with pytest.raises(ConfigError, match="span holds no word"):
        token_positions(tokenizer(), "a chair", span)


def test_a_name_beyond_the_text_towers_reach_is_refused() -> None:
    prompt, span = fill_prompt("a photo " * 15 + "{class}", "chair")
    with pytest.raises(ConfigError, match="within the 24 tokens"):
        token_positions(tokenizer(), prompt, span)


@pytest.mark.parametrize("template", ["a photo", "{class} and {class}"])
def test_templates_have_one_slot(template: str) -> None:
    with pytest.raises(ConfigError, match="once"):
        fill_prompt(template, "chair")
