"""Fixtures shared by all tests: where the real capture is, and a store in a temporary folder."""

import os
from pathlib import Path

import pytest

import tests.typecheck  # noqa: F401 - the option that checks shapes finds it as an attribute of the package

ROOT = Path(__file__).parent.parent


def _data(folder: str) -> Path:
    base = Path(os.environ.get("TEACH3D_TEST_DATA", ROOT.parent / "shared" / "data"))
    path = (base if base.is_absolute() else ROOT / base) / folder
    if not path.is_dir():
        pytest.skip(f"no test data {folder!r} (set TEACH3D_TEST_DATA)")
    return path


@pytest.fixture(scope="session")
def kitchen_root() -> Path:
    """The real RGB-D capture."""
    return _data("kitchen")


@pytest.fixture(scope="session")
def litert_root() -> Path:
    """Two real LiteRT networks and their label file."""
    return _data("litert")


@pytest.fixture(scope="session")
def repository_root() -> Path:
    """The checkout these tests belong to."""
    return ROOT
