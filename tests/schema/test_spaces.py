"""Spaces are mixed only if their names are equal, or one lacks nothing but its digest."""

import pytest

from schema.errors import SpaceMismatchError
from schema.spaces import check_same_space

ENCODER = "open_clip:ViT-B-32-quickgelu:1a2b3c4d"


@pytest.mark.parametrize("space", [None, ENCODER, "open_clip:ViT-B-32-quickgelu"])
def test_what_fits(space: str | None) -> None:
    check_same_space("the student", space, ENCODER)


@pytest.mark.parametrize(
    "space",
    ["open_clip:ViT-B-32", "open_clip", "", "open_clip:ViT-B-32-quickgelu:ffffffff", "words:512:v1:1a2b3c4d"],
)
def test_what_does_not(space: str) -> None:
    with pytest.raises(SpaceMismatchError, match="not in 'open_clip:ViT-B-32-quickgelu:1a2b3c4d'"):
        check_same_space("the student", space, ENCODER)


def test_an_encoder_without_digest_takes_no_digest() -> None:
    with pytest.raises(SpaceMismatchError):
        check_same_space("the student", ENCODER, "open_clip:ViT-B-32-quickgelu")
