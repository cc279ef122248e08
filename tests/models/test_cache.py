import os
import threading

import pytest

from models import cache
from schema.config_models import (
    ConvDenseTeacherConfig,
    LitertTeacherConfig,
    OnnxTeacherConfig,
    OpenClipTextConfig,
    WordsTextConfig,
)
from schema.errors import ConfigError, WeightsError
from tests.factories_networks import write_labels, write_onnx


@pytest.fixture(autouse=True)
def empty_cache():
    cache.forget()
    yield
    cache.forget()


@pytest.fixture
def config(tmp_path):
    return OnnxTeacherConfig(
        weights=write_onnx(tmp_path / "net.onnx"), labels=write_labels(tmp_path / "labels.txt")
    )


def test_a_teacher_is_loaded_once(config):
    first = cache.load_teacher(config, aliases={"a": "b"})
    assert cache.load_teacher(config.model_copy(), aliases={"a": "b"}) is first
    assert cache.load_teacher(config, aliases={"a": "c"}) is not first
    assert cache.load_teacher(config.model_copy(update={"min_mask_px": 5}), aliases={"a": "b"}) is not first


def test_changed_files_are_read_again(config):
    first = cache.load_teacher(config, aliases={})
    stat = config.labels.stat()
    write_labels(config.labels, ("background", "apple", "pear", "fig"))
    os.utime(config.labels, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    second = cache.load_teacher(config, aliases={})
    assert second is not first
    assert second.labels == ("apple", "pear", "fig")


def test_threads_share_one_load(config, monkeypatch):
    loads = []
    real = cache.load
    monkeypatch.setattr(cache, "load", lambda kind, name: loads.append(name) or real(kind, name))
    got = []
    threads = [
        threading.Thread(target=lambda: got.append(cache.load_teacher(config, aliases={}))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loads == ["onnx"]
    assert len({id(teacher) for teacher in got}) == 1


def test_a_failed_load_is_not_kept(config):
    content = config.weights.read_bytes()
    config.weights.unlink()
    with pytest.raises(WeightsError):
        cache.load_teacher(config, aliases={})
    config.weights.write_bytes(content)
    assert cache.load_teacher(config, aliases={}).labels


def test_text_and_captioners_are_kept_too():
    words = cache.load_text(WordsTextConfig(dim=32), synonyms=[["sofa", "couch"]])
    assert cache.load_text(WordsTextConfig(dim=32), synonyms=[["sofa", "couch"]]) is words
    assert cache.load_text(WordsTextConfig(dim=32), synonyms=[]) is not words
    assert cache.load_captioner("colour") is cache.load_captioner("colour")
    with pytest.raises(ConfigError, match="did you mean 'colour'"):
        cache.load_captioner("color")


def test_files_that_decide_results(tmp_path):
    net, labels = tmp_path / "net.onnx", tmp_path / "labels.txt"
    assert cache.weights_files(WordsTextConfig()) == {}
    assert cache.weights_files(OpenClipTextConfig(weights=net)) == {"weights": net}
    assert cache.weights_files(LitertTeacherConfig(weights=net, labels=labels)) == {
        "weights": net,
        "labels": labels,
    }
    assert cache.weights_files(ConvDenseTeacherConfig(weights=tmp_path / "a.safetensors")) == {
        "weights": tmp_path / "a.safetensors",
        "sidecar": tmp_path / "a.json",
    }
    onnx = OnnxTeacherConfig(weights=net, labels=labels)
    assert cache.weights_files(onnx) == {"weights": net, "labels": labels}
    outside = tmp_path / "net.onnx.data"
    outside.write_bytes(b"tensors")
    assert cache.weights_files(onnx)["weights_data"] == outside
