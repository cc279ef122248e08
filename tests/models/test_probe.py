"""What the probe of sparse engines says where one works and where one does not."""

import pytest
import torch

from models.sparse.probe import engine_problem


def test_the_default_engine_works_here():
    assert engine_problem("torch", "cpu") is None


def test_an_unknown_engine_is_told_with_a_remedy():
    problem, remedy = engine_problem("torhc", "cpu")
    assert "unknown sparse engine" in problem
    assert "torch" in remedy


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_engine_is_no_engine_without_a_gpu():
    assert "spconv" in " ".join(engine_problem("spconv", "cpu"))


def test_a_failure_inside_an_engine_is_one_line(monkeypatch):
    def broken(_):
        raise RuntimeError("CUDA error:\n  no kernel image is available")

    monkeypatch.setattr("models.sparse.torch_engine.TorchEngine.grid", lambda _, coords: broken(coords))
    problem, _ = engine_problem("torch", "cpu")
    assert problem == "RuntimeError: CUDA error: no kernel image is available"
