"""Text spaces by name, and the refusal to mix two of them."""

from schema.errors import SpaceMismatchError


def check_same_space(what: str, space: str | None, expected: str) -> None:
    """Refuse vectors of another text space; None stands for words, which any encoder can place.

    Args:
        what: whose vectors they are (a teacher's name, "the student").
        space: the space they live in.
        expected: the space they are about to be mixed with.

    Raises:
        SpaceMismatchError: the two differ.
    """
    if space is not None and space != expected:
        raise SpaceMismatchError(
            f"vectors of {what} live in text space {space!r}, not in {expected!r}",
            field="text",
            remedy="choose the text encoder they were made with, or teachers that speak through captions",
        )
