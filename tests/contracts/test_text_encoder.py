"""What every text encoder of the catalog must do, whatever it is made of."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from models.cache import load_text
from models.catalog import TEXT_ENCODERS
from models.text.protocol import TextEncoder
from models.torchvision_operators import ensure
from schema.config_models import OpenClipTextConfig, WordsTextConfig
from schema.errors import ConfigError

TEXTS = ["a chair in a scene", "a brown table", "tv", "a chair in a scene"]


def _words(folder):
    return WordsTextConfig(dim=64)


def _open_clip(folder):
    ensure()
    library = pytest.importorskip("open_clip")
    name = "teach3d-contract"
    vision = {"image_size": 32, "layers": 1, "width": 64, "patch_size": 16}
    text = {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2}
    (folder / f"{name}.json").write_text(
        json.dumps({"embed_dim": 24, "vision_cfg": vision, "text_cfg": text})
    )
    library.add_model_config(folder / f"{name}.json")
    torch.manual_seed(0)
    save_file(library.create_model(name, load_weights=False).state_dict(), folder / "tiny.safetensors")
    return OpenClipTextConfig(architecture=name, weights=folder / "tiny.safetensors")


EXAMPLES = {"words": _words, "open_clip": _open_clip}


def test_every_encoder_has_an_example():
    assert EXAMPLES.keys() == TEXT_ENCODERS.keys()


@pytest.fixture(scope="module", params=sorted(EXAMPLES))
def encoder(request, tmp_path_factory):
    return load_text(
        EXAMPLES[request.param](tmp_path_factory.mktemp(request.param)), synonyms=[["sofa", "couch"]]
    )


def test_protocol(encoder):
    assert isinstance(encoder, TextEncoder)
    assert encoder.space
    assert encoder.space.isprintable()
    assert encoder.space.split(":")[0] in TEXT_ENCODERS


def test_unit_rows(encoder):
    rows = encoder.encode(TEXTS)
    assert rows.shape == (4, encoder.dim)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows.astype(np.float64), axis=1), 1.0, atol=1e-6)


def test_same_text_same_vector_and_other_text_another(encoder):
    rows = encoder.encode(TEXTS)
    np.testing.assert_array_equal(rows, encoder.encode(TEXTS))
    np.testing.assert_allclose(rows[0], rows[3], atol=1e-6)
    assert len(np.unique(rows[:3].round(4), axis=0)) == 3


def test_order_of_the_texts_is_the_order_of_the_rows(encoder):
    np.testing.assert_allclose(encoder.encode(TEXTS[::-1]), encoder.encode(TEXTS)[::-1], atol=1e-6)


def test_nothing_and_no_word(encoder):
    assert encoder.encode([]).shape == (0, encoder.dim)
    with pytest.raises(ConfigError):
        encoder.encode(["chair", ""])


def test_known_words_are_never_unknown(encoder):
    assert encoder.unknown_words(TEXTS, TEXTS) == []
    assert set(encoder.unknown_words(["purple chair"], TEXTS)) <= {"purple"}
