"""Where a class stands among the tokens of its prompt: found by position in the text, never by spelling.

What the tokens attend to is ``attention``'s business.
"""

from typing import Any

from schema.errors import ConfigError

Span = tuple[int, int]
"""First character and the one after the last."""


def fill_prompt(template: str, name: str, slot: str = "{class}") -> tuple[str, Span]:
    """The prompt of a class, and the characters of it that are the class's name.

    >>> fill_prompt("a {class} in a scene", "shower curtain")
    ('a shower curtain in a scene', (2, 16))

    Raises:
        ConfigError: the template has not one slot, or the name holds no word.
    """
    if template.count(slot) != 1:
        raise ConfigError(
            f"the template must hold {slot} once", field="template", value=template, remedy="write it once"
        )
    if not name.strip():
        raise ConfigError("the class has no name", field="class", value=name, remedy="give it one")
    start = template.index(slot)
    return template.replace(slot, name), (start, start + len(name))


def token_positions(tokenizer: Any, prompt: str, span: Span) -> tuple[int, ...]:
    """Positions of the tokens that cover ``prompt[span]``, counted from the start token.

    Args:
        tokenizer: a ``CLIPTokenizer``.
        prompt: the whole text.
        span: characters of the words in question.

    Raises:
        ConfigError: the span is not inside the prompt, or its tokens lie beyond what the text tower takes.
    """
    start, end = span
    if not (0 <= start < end <= len(prompt) and prompt[start:end].strip()):
        raise ConfigError(
            "the span holds no word of the prompt", field="span", value=span, remedy=f"prompt: {prompt!r}"
        )
    limit = int(tokenizer.model_max_length)
    offsets = tokenizer(prompt, return_offsets_mapping=True)["offset_mapping"]
    found = [i for i, (low, high) in enumerate(offsets) if low < high and low < end and high > start]
    if not found or found[-1] >= limit - 1:  # the last token is the end token
        raise ConfigError(
            f"the class is not within the {limit} tokens that the text tower takes",
            field="prompt",
            value=prompt,
            remedy="shorten the text before it",
        )
    return tuple(found)
