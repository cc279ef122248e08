import json
import re
import socket
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from models.cache import weights_files
from models.text.open_clip import BATCH_TEXTS, OpenClipEncoder
from models.text.weights import read_state
from models.torchvision_operators import ensure
from schema.config_models import OpenClipTextConfig
from schema.errors import ConfigError, MissingPartError, WeightsError

TEXTS = ["a brown chair", "a table", "tv"]
TINY = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2},
}


@pytest.fixture(scope="module")
def open_clip():
    ensure()
    return pytest.importorskip("open_clip")


@pytest.fixture(scope="module")
def tiny(open_clip, tmp_path_factory):
    """Two small random architectures known to open_clip, the first one's model, and its weight file."""
    folder = tmp_path_factory.mktemp("architectures")
    for name, width in (("teach3d-tiny", 16), ("teach3d-small", 32)):
        (folder / f"{name}.json").write_text(
            json.dumps({**TINY, "text_cfg": {**TINY["text_cfg"], "width": width}})
        )
    open_clip.add_model_config(folder)
    torch.manual_seed(0)
    model = open_clip.create_model("teach3d-tiny", load_weights=False).eval()
    weights = folder / "tiny.safetensors"
    save_file(model.state_dict(), weights)
    yield model, weights
    open_clip.factory._MODEL_CONFIG_PATHS.remove(folder)
    open_clip.factory._rescan_model_configs()


def encoder(weights, architecture="teach3d-tiny"):
    return OpenClipEncoder(OpenClipTextConfig(architecture=architecture, weights=weights), synonyms=[])


def test_the_same_vectors_as_the_whole_model(open_clip, tiny):
    model, weights = tiny
    rows = encoder(weights).encode(TEXTS)
    with torch.no_grad():
        expected = model.encode_text(open_clip.get_tokenizer("teach3d-tiny")(TEXTS), normalize=True).numpy()
    np.testing.assert_allclose(rows, expected, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-6)
    assert rows.dtype == np.float32


def test_batches_do_not_change_the_vectors(tiny):
    words = encoder(tiny[1])
    texts = [f"thing number {i}" for i in range(BATCH_TEXTS + 3)]
    rows = words.encode(texts)
    assert rows.shape == (BATCH_TEXTS + 3, words.dim) == (BATCH_TEXTS + 3, 24)
    np.testing.assert_allclose(rows[-3:], words.encode(texts[-3:]), atol=1e-6)
    np.testing.assert_array_equal(rows, encoder(tiny[1]).encode(texts))
    assert words.encode([]).shape == (0, 24)


def test_only_the_text_tower_is_kept(tiny):
    whole = sum(p.numel() for p in tiny[0].parameters())
    vision = sum(p.numel() for p in tiny[0].visual.parameters())
    assert sum(p.numel() for p in encoder(tiny[1])._model.parameters()) == whole - vision


def test_space_is_the_architecture_and_the_text_weights(tiny, tmp_path):
    weights = tiny[1]
    space = encoder(weights).space
    assert re.fullmatch(r"open_clip:teach3d-tiny:[0-9a-f]{8}", space)
    state = load_file(weights)
    save_file({f"module.{name}": tensor for name, tensor in state.items()}, tmp_path / "same.safetensors")
    assert encoder(tmp_path / "same.safetensors").space == space
    state["text_projection"] = state["text_projection"] + 1e-3
    save_file(state, tmp_path / "other.safetensors")
    assert encoder(tmp_path / "other.safetensors").space != space


def test_nothing_is_looked_up_on_a_network(tiny, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert encoder(tiny[1]).encode(["a chair"]).shape == (1, 24)


def test_it_knows_all_words_but_wants_one(tiny):
    words = encoder(tiny[1])
    assert words.unknown_words(["anything at all"], ["chair"]) == []
    with pytest.raises(ConfigError, match="holds no word"):
        words.encode(["chair", " "])


def test_missing_corrupt_and_truncated_weights(tiny, tmp_path):
    with pytest.raises(WeightsError, match=r"none\.safetensors.*does not exist"):
        encoder(tmp_path / "none.safetensors")
    for name in ("bad.safetensors", "bad.pt"):
        (tmp_path / name).write_bytes(b"garbage" * 100)
        with pytest.raises(WeightsError, match=re.escape(name)) as caught:
            encoder(tmp_path / name)
        assert "\n" not in str(caught.value)
    content = tiny[1].read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(content[: len(content) // 2])
    with pytest.raises(WeightsError, match=r"cut\.safetensors"):
        encoder(tmp_path / "cut.safetensors")


class Evil:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


def test_code_in_a_weight_file_is_not_run(tmp_path):
    torch.save({"weights": Evil(str(tmp_path / "written"))}, tmp_path / "evil.pt")
    with pytest.raises(WeightsError, match="pickles and are not read"):
        read_state(tmp_path / "evil.pt")
    assert not (tmp_path / "written").exists()


def test_a_file_without_tensors(tmp_path):
    save_file({}, tmp_path / "empty.safetensors")
    with pytest.raises(WeightsError, match="holds no tensor"):
        read_state(tmp_path / "empty.safetensors")


def test_weights_of_another_architecture(tiny, tmp_path):
    with pytest.raises(WeightsError) as caught:
        encoder(tiny[1], "teach3d-small")
    line = str(caught.value)
    assert "do not fit architecture 'teach3d-small'" in line
    assert re.search(r"is \[.*\], expected \[.*\]", line)
    state = load_file(tiny[1])
    del state["positional_embedding"]
    save_file(state, tmp_path / "part.safetensors")
    with pytest.raises(WeightsError, match=r"1 tensors missing.*no positional_embedding"):
        encoder(tmp_path / "part.safetensors")


def test_unknown_architecture_suggests_the_nearest(tiny):
    with pytest.raises(ConfigError, match="did you mean 'ViT-B-32-quickgelu'"):
        encoder(tiny[1], "ViT-B-32-quickgelo")


def test_architectures_that_need_a_network_are_refused(tiny):
    with pytest.raises(ConfigError, match="fetched from a network"):
        encoder(tiny[1], "ViT-B-16-SigLIP")


def test_missing_library(tiny, monkeypatch):
    monkeypatch.setitem(sys.modules, "open_clip", None)
    with pytest.raises(MissingPartError, match="run: pip install teach3d"):
        encoder(tiny[1])


@pytest.fixture(scope="module")
def own(open_clip, tmp_path_factory):
    """A folder with a model of its own architecture and vocabulary, and the model."""
    from models.text.bpe import BPE_FILE, learn_merges, tokenizer_files, vocabulary

    folder = tmp_path_factory.mktemp("own_encoder")
    merges = learn_merges(["a red sofa", "a red chair", "a brown chair"] * 2, 100)
    for name, content in tokenizer_files(merges, 12).items():
        (folder / name).write_bytes(content)
    text = {**TINY["text_cfg"], "context_length": 12, "vocab_size": len(vocabulary(merges))}
    config = {**TINY, "text_cfg": {**text, "tokenizer_kwargs": {"bpe_path": BPE_FILE}}}
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": {}}))
    torch.manual_seed(0)
    model = open_clip.CLIP(**config).eval()
    save_file(model.state_dict(), folder / "open_clip_model.safetensors")
    return folder, model


def own_encoder(folder, name="open_clip_config.json"):
    return encoder(folder / "open_clip_model.safetensors", str(folder / name))


def test_an_architecture_of_ones_own_with_its_vocabulary(open_clip, own):
    folder, model = own
    words = own_encoder(folder)
    tokenizer = open_clip.SimpleTokenizer(bpe_path=str(folder / "bpe_vocab.txt.gz"), context_length=12)
    assert tokenizer(["a red sofa"])[0].tolist()[4] == tokenizer.eot_token_id  # a token a word
    with torch.no_grad():
        expected = model.encode_text(tokenizer(TEXTS), normalize=True).numpy()
    np.testing.assert_allclose(words.encode(TEXTS), expected, atol=1e-6)
    assert re.fullmatch(r"open_clip:own_encoder\d*:[0-9a-f]{8}", words.space)


def test_open_clip_itself_loads_such_a_folder(open_clip, own):
    folder, model = own
    loaded = open_clip.create_model(f"local-dir:{folder}").eval()
    state = loaded.state_dict()
    assert all(torch.equal(state[name], value) for name, value in model.state_dict().items())


def test_the_configuration_alone_without_the_hubs_wrapping(own, tmp_path):
    folder, _ = own
    values = json.loads((folder / "open_clip_config.json").read_text())["model_cfg"]
    (folder / "flat.json").write_text(json.dumps(values))
    np.testing.assert_array_equal(
        own_encoder(folder, "flat.json").encode(TEXTS), own_encoder(folder).encode(TEXTS)
    )


def test_wrong_architecture_files_are_told(own, tmp_path):
    folder, _ = own
    with pytest.raises(ConfigError, match=r"none\.json: it cannot be read"):
        own_encoder(folder, "none.json")
    values = json.loads((folder / "open_clip_config.json").read_text())["model_cfg"]
    broken = {
        "torn": '{"text_cfg"',
        "list": "[]",
        "empty": "{}",
        "foreign": json.dumps({**values, "colour": 1}),
        "lost": json.dumps({**values, "text_cfg": {"tokenizer_kwargs": {"bpe_path": "gone.gz"}}}),
        "fetched": json.dumps({**values, "text_cfg": {"hf_model_name": "someone/something"}}),
        "timm": json.dumps({**values, "vision_cfg": {"timm_model_name": "x", "timm_model_pretrained": True}}),
        "away": json.dumps({**values, "text_cfg": {"tokenizer_kwargs": {"bpe_path": "../there.gz"}}}),
    }
    problems = {
        "torn": "not JSON",
        "list": "no vision_cfg",
        "empty": "no vision_cfg",
        "foreign": "cannot build",
        "lost": r"gone\.gz: the vocabulary does not exist",
        "fetched": "fetched from a network",
        "timm": "fetched from a network",
        "away": "must lie beside the configuration",
    }
    for name, content in broken.items():
        (folder / f"{name}.json").write_text(content)
        with pytest.raises(ConfigError, match=problems[name]) as caught:
            own_encoder(folder, f"{name}.json")
        assert "\n" not in str(caught.value)


def test_a_moved_folder_is_the_same_encoder(own, tmp_path):
    one, other = (
        OpenClipTextConfig(architecture=str(place / "open_clip_config.json"), weights=place / "w.safetensors")
        for place in (own[0], tmp_path)
    )
    assert one.result_fields() == other.result_fields()
    assert one.result_fields() != OpenClipTextConfig(weights=tmp_path / "w.safetensors").result_fields()
    files = weights_files(one)
    assert {role: path.name for role, path in files.items()} == {
        "weights": "w.safetensors",
        "architecture": "open_clip_config.json",
        "vocabulary": "bpe_vocab.txt.gz",
    }
