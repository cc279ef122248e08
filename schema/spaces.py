"""Text spaces by name, and the refusal to mix two of them.

A name ends in a digest of what makes the space (a tower's weights, a table of synonyms). An imported student
cannot know it, so its space may be named without; it then fits every digest.
"""

from schema.errors import SpaceMismatchError


def check_same_space(what: str, space: str | None, expected: str) -> None:
    """Refuse vectors of another text space; None stands for words, which any encoder can place.

    >>> check_same_space("the student", "open_clip:ViT-B-32", "open_clip:ViT-B-32:1a2b3c4d")

    Args:
        what: whose vectors they are (a teacher's name, "the student").
        space: the space they live in, with or without its digest.
        expected: the space they are about to be mixed with.

    Raises:
        SpaceMismatchError: the two differ.
    """
    if space is not None and space not in (expected, expected.rpartition(":")[0]):
        raise SpaceMismatchError(
            f"vectors of {what} live in text space {space!r}, not in {expected!r}",
            field="text",
            remedy="choose the text encoder they were made with, or teachers that speak through captions",
        )
