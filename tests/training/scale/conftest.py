"""A folder with the rendered rooms of the scale models' tests, and with the models made by a few steps."""

import importlib.util
from pathlib import Path

import pytest
import torch


def _load(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def small():
    """Configurations; see ``small_world.py``."""
    return _load("small_world")


@pytest.fixture(scope="session")
def rendered(small, tmp_path_factory):
    """A folder that holds the views and nothing else; tests that write copy what they need."""
    from training.scale.views import held_out_views, training_views

    folder = tmp_path_factory.mktemp("scale_views")
    training_views(small.VIEWS, folder)
    held_out_views(small.VIEWS, folder)
    return folder


@pytest.fixture(scope="session")
def made(small, rendered):
    """The folder with text encoder and teachers after three steps each."""
    from training.scale.catalog import make_models

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    make_models(small.CONFIG, rendered, ("text_image", "dense_teacher", "mask_teacher"))
    torch.set_num_threads(before)
    return rendered
