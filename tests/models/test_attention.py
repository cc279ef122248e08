"""Cross-attention kept as running sums, against a recording of every single map."""

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from models.generators.attention import (
    AttentionSums,
    cross_attention_names,
    grid_of,
    recording,
    token_weights,
)
from models.generators.scale_diffusion import build_unet

STEPS, IMAGES, TOKENS = 3, 2, 7
POSITIONS = [(2, 3), (4,)]


class Naive:
    """Keeps every map of every head, layer and step, computed by diffusers' own method."""

    def __init__(self, inner: Any, kept: list, name: str) -> None:
        self.inner, self.kept, self.name = inner, kept, name

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, temb=None):
        query = attn.head_to_batch_dim(attn.to_q(hidden_states))
        key = attn.head_to_batch_dim(attn.to_k(encoder_hidden_states))
        shares = attn.get_attention_scores(query, key)
        self.kept.append((self.name, shares.unflatten(0, (-1, attn.heads)).detach()))
        return self.inner(attn, hidden_states, encoder_hidden_states, attention_mask, temb)


@contextlib.contextmanager
def naive_recording(unet: Any) -> Iterator[list]:
    kept: list = []
    before = dict(unet.attn_processors)
    names = cross_attention_names(unet)
    unet.set_attn_processor({k: Naive(p, kept, k) if k in names else p for k, p in before.items()})
    yield kept
    unet.set_attn_processor(dict(before))


@pytest.fixture(scope="module")
def unet() -> Any:
    return build_unet(0).eval()


@pytest.fixture(scope="module")
def inputs() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    latents = torch.randn(STEPS, 2 * IMAGES, 4, 16, 16, generator=generator)
    return latents, 3 * torch.randn(2 * IMAGES, TOKENS, 96, generator=generator)


@torch.no_grad()
def denoise(unet: Any, inputs: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """As a guided pipeline runs the network: unconditional rows, then conditional ones."""
    latents, context = inputs
    return torch.stack([unet(x, 900 - 300 * step, context).sample for step, x in enumerate(latents)])


def summed(unet: Any, inputs: tuple[torch.Tensor, torch.Tensor]) -> AttentionSums:
    sums = AttentionSums(token_weights(POSITIONS, TOKENS), (16, 16))
    with recording(unet, sums):
        denoise(unet, inputs)
    return sums


def plain_maps(unet: Any, inputs: tuple[torch.Tensor, torch.Tensor]) -> list[np.ndarray]:
    """Every layer's and step's map [B,h,w]: conditional rows, mean over heads, then tokens of the class."""
    with naive_recording(unet) as kept:
        denoise(unet, inputs)
    maps = []
    for _, shares in kept:
        heads = shares[IMAGES:].mean(dim=1)
        rows = [heads[image][:, list(chosen)].mean(dim=1) for image, chosen in enumerate(POSITIONS)]
        side = round(heads.shape[1] ** 0.5)
        maps.append(torch.stack(rows).reshape(IMAGES, side, side).numpy())
    return maps


def enlarged(maps: np.ndarray) -> np.ndarray:
    tensor = torch.from_numpy(maps)[:, None]
    return functional.interpolate(tensor, (128, 128), mode="bilinear", align_corners=False)[:, 0].numpy()


def test_mean_over_layers_and_steps_equals_the_naive_one(unet, inputs) -> None:
    maps = plain_maps(unet, inputs)
    assert len(maps) == STEPS * len(cross_attention_names(unet))
    naive = np.mean([enlarged(m / m.max(axis=(1, 2), keepdims=True)) for m in maps], axis=0)
    found = summed(unet, inputs).maps("layers", (128, 128)).numpy()
    np.testing.assert_allclose(found, naive, rtol=1e-4, atol=1e-6)
    assert np.ptp(naive) > 0.02  # flat maps would prove nothing


def test_mean_per_resolution_equals_the_naive_one(unet, inputs) -> None:
    maps = plain_maps(unet, inputs)
    parts = []
    for side in {m.shape[1] for m in maps}:
        part = enlarged(np.mean([m for m in maps if m.shape[1] == side], axis=0))
        parts.append(part / part.max(axis=(1, 2), keepdims=True))
    assert len(parts) == 2
    found = summed(unet, inputs).maps("resolutions", (128, 128)).numpy()
    np.testing.assert_allclose(found, np.mean(parts, axis=0), rtol=1e-4, atol=1e-6)
    by_layers = summed(unet, inputs).maps("layers", (128, 128)).numpy()
    assert np.abs(found - by_layers).max() > 1e-3  # the two means are two things


def test_the_image_is_the_same_to_the_bit_and_processors_are_put_back(unet, inputs) -> None:
    before, kinds = denoise(unet, inputs), {k: type(p) for k, p in unet.attn_processors.items()}
    sums = AttentionSums(token_weights(POSITIONS, TOKENS), (16, 16))
    with recording(unet, sums):
        during = denoise(unet, inputs)
    assert torch.equal(before, during)
    with pytest.raises(KeyError, match="stop"), recording(unet, sums):
        raise KeyError("stop")
    assert {k: type(p) for k, p in unet.attn_processors.items()} == kinds


def test_only_the_conditional_pass_counts(unet, inputs) -> None:
    latents, context = inputs
    other = context.clone()
    other[:IMAGES] = 0
    expected = summed(unet, inputs).maps("layers", (16, 16))
    torch.testing.assert_close(summed(unet, (latents, other)).maps("layers", (16, 16)), expected)
    other[IMAGES:] = other[IMAGES:].flip(1)
    changed = summed(unet, (latents, other)).maps("layers", (16, 16))
    assert not torch.allclose(changed, expected, atol=1e-3)


def test_without_guidance_all_rows_are_conditional(unet, inputs) -> None:
    latents, context = inputs
    alone = summed(unet, (latents[:, IMAGES:], context[IMAGES:])).maps("layers", (16, 16))
    torch.testing.assert_close(alone, summed(unet, inputs).maps("layers", (16, 16)))


def test_memory_does_not_grow_with_steps(unet, inputs) -> None:
    latents, context = inputs
    one, three = summed(unet, (latents[:1], context)), summed(unet, inputs)
    assert one.num_values == three.num_values == 2 * IMAGES * (16 * 16 + 8 * 8)
    assert three.num_maps == 3 * one.num_maps


def test_by_hand() -> None:
    sums = AttentionSums(torch.ones(1, 1), (2, 2))
    sums.add(torch.tensor([[0.1, 0.2, 0.3, 0.4]]))
    sums.add(torch.tensor([[0.8, 0.0, 0.0, 0.0]]))
    expected = [[(0.25 + 1) / 2, 0.5 / 2], [0.75 / 2, 1 / 2]]
    np.testing.assert_allclose(sums.maps("layers", (2, 2))[0], expected, rtol=1e-6)
    total = np.array([[0.9, 0.2], [0.3, 0.4]])
    np.testing.assert_allclose(sums.maps("resolutions", (2, 2))[0], total / 0.9, rtol=1e-6)


def test_the_coarsest_maps_of_a_large_network_are_left_out_of_resolutions() -> None:
    sums = AttentionSums(torch.ones(1, 1), (64, 64))
    for side in (64, 32, 16):
        sums.add(torch.ones(1, side * side))
    level = sums.maps("resolutions", (64, 64))
    spike = torch.zeros(1, 64)
    spike[0, 0] = 1.0
    sums.add(spike)
    assert torch.equal(sums.maps("resolutions", (64, 64)), level)
    assert not torch.equal(sums.maps("layers", (64, 64)), torch.ones(1, 64, 64))


@pytest.mark.parametrize(("queries", "grid"), [(64 * 96, (64, 96)), (32 * 48, (32, 48)), (8 * 12, (8, 12))])
def test_grids_of_oblong_images(queries: int, grid: tuple[int, int]) -> None:
    assert grid_of(queries, (64, 96)) == grid


def test_a_count_that_fits_no_level_is_refused() -> None:
    with pytest.raises(AssertionError, match="do not come from"):
        grid_of(100, (64, 64))
