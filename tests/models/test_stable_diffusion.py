"""Stable Diffusion pipelines from folders: what they generate, and folders that cannot be used."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from models.generators.pipeline_folder import load_pipeline, pipeline_files
from models.generators.stable_diffusion import StableDiffusionGenerator
from models.generators.tokens import fill_prompt
from schema.config_synthesis import StableDiffusionConfig
from schema.errors import ConfigError, WeightsError
from tests.pipelines import write_pipeline

PROMPT, SPAN = fill_prompt("a good photo of a {class}", "shower curtain")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pipeline(tmp_path_factory.mktemp("pipeline"))


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))


@pytest.fixture(scope="module")
def generator(folder: Path) -> StableDiffusionGenerator:
    return StableDiffusionGenerator(StableDiffusionConfig(folder=folder))


def test_the_pixels_are_those_of_the_pipeline_itself(
    folder: Path, generator: StableDiffusionGenerator
) -> None:
    made = generator.generate(PROMPT, SPAN, [3, 4], num_steps=3, guidance=5.0)
    pipe = load_pipeline(StableDiffusionConfig(folder=folder))
    pipe.set_progress_bar_config(disable=True)
    seeds = [torch.Generator().manual_seed(seed) for seed in (3, 4)]
    plain = pipe([PROMPT] * 2, num_inference_steps=3, guidance_scale=5.0, generator=seeds, output_type="np")
    np.testing.assert_array_equal(made.images, np.uint8(plain.images * 255 + 0.5))
    assert made.images.shape == (2, 128, 128, 3)
    assert made.attention.shape == (2, 128, 128)
    assert 0 <= made.attention.min() < made.attention.max() <= 1


def test_an_image_depends_on_its_seed_and_not_on_its_neighbours(folder: Path) -> None:
    config = StableDiffusionConfig(folder=folder, images_at_once=2)
    several = StableDiffusionGenerator(config).generate(PROMPT, SPAN, [5, 6, 7], num_steps=2, guidance=3.0)
    config = StableDiffusionConfig(folder=folder, images_at_once=1)
    single = StableDiffusionGenerator(config).generate(PROMPT, SPAN, [7], num_steps=2, guidance=3.0)
    assert np.abs(several.images[2].astype(int) - single.images[0]).max() <= 1
    np.testing.assert_allclose(several.attention[2], single.attention[0], atol=1e-4)
    assert np.abs(several.images[1].astype(int) - several.images[0]).mean() > 1


def test_the_attention_is_that_of_the_spans_words(generator: StableDiffusionGenerator) -> None:
    class_ = generator.generate(PROMPT, SPAN, [1], num_steps=2, guidance=3.0)
    photo = generator.generate(PROMPT, (7, 12), [1], num_steps=2, guidance=3.0)
    assert PROMPT[7:12] == "photo"
    np.testing.assert_array_equal(class_.images, photo.images)
    assert np.abs(class_.attention - photo.attention).max() > 1e-3


def test_both_means_and_no_guidance(folder: Path, generator: StableDiffusionGenerator) -> None:
    other = StableDiffusionGenerator(StableDiffusionConfig(folder=folder, attention="resolutions"))
    a = generator.generate(PROMPT, SPAN, [1], num_steps=2, guidance=1.0)
    b = other.generate(PROMPT, SPAN, [1], num_steps=2, guidance=1.0)
    np.testing.assert_array_equal(a.images, b.images)
    assert np.abs(a.attention - b.attention).max() > 1e-4


def test_no_seed_no_image(generator: StableDiffusionGenerator) -> None:
    made = generator.generate(PROMPT, SPAN, [], num_steps=2, guidance=3.0)
    assert made.images.shape == (0, 128, 128, 3)
    with pytest.raises(ConfigError, match="span holds no word"):
        generator.generate(PROMPT, (400, 410), [1], num_steps=2, guidance=3.0)


def test_saving_twice_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    again = write_pipeline(tmp_path / "again")
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    assert files
    assert [(folder / name).read_bytes() for name in files] == [(again / name).read_bytes() for name in files]
    weights = load_file(folder / "unet" / "diffusion_pytorch_model.safetensors")
    assert {value.dtype for value in weights.values()} == {torch.float16}


def test_the_files_that_decide_are_listed(folder: Path) -> None:
    files = pipeline_files(StableDiffusionConfig(folder=folder))
    assert all(path.is_file() for path in files.values())
    listed = {path.relative_to(folder).as_posix() for path in files.values()}
    parts = {f"{part}/diffusion_pytorch_model.safetensors" for part in ("vae", "unet")}
    assert {"model_index.json", "text_encoder/model.safetensors", *parts} <= listed
    assert {"tokenizer/vocab.json", "tokenizer/tokenizer.json"} & listed


def refused(folder: Path, *words: str) -> None:
    with pytest.raises(WeightsError) as caught:
        load_pipeline(StableDiffusionConfig(folder=folder))
    line = str(caught.value)
    assert "\n" not in line
    for word in words:
        assert word in line


def test_a_missing_folder_and_a_missing_file(copy: Path, tmp_path: Path) -> None:
    refused(tmp_path / "nothing", "model_index.json", "point 'folder'")
    (copy / "vae" / "diffusion_pytorch_model.safetensors").unlink()
    refused(copy, "vae/diffusion_pytorch_model.safetensors", "does not exist")


def test_pickled_weights_are_not_read(copy: Path) -> None:
    weights = copy / "unet" / "diffusion_pytorch_model.safetensors"
    torch.save(load_file(weights), copy / "unet" / "diffusion_pytorch_model.bin")
    weights.unlink()
    refused(copy, "does not exist", "diffusion_pytorch_model.bin", "safe_serialization")


def test_a_variant_is_found_when_asked_for(copy: Path) -> None:
    for part, stem in (("unet", "diffusion_pytorch_model"), ("vae", "diffusion_pytorch_model")):
        (copy / part / f"{stem}.safetensors").rename(copy / part / f"{stem}.fp16.safetensors")
    refused(copy, "set 'variant'")
    (copy / "text_encoder" / "model.safetensors").rename(copy / "text_encoder" / "model.fp16.safetensors")
    load_pipeline(StableDiffusionConfig(folder=copy, variant="fp16"))


def test_weights_that_do_not_fit_are_refused_and_not_made_up(copy: Path) -> None:
    path = copy / "unet" / "diffusion_pytorch_model.safetensors"
    weights = load_file(path)
    del weights["conv_in.weight"]
    save_file({**weights, "foreign": torch.zeros(1)}, path)
    refused(copy, "conv_in.weight", "foreign", "missing", "unknown")


def test_a_torn_file(copy: Path) -> None:
    path = copy / "vae" / "diffusion_pytorch_model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    refused(copy, "cannot be loaded", "vae")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("_class_name", "FluxPipeline"),
        ("unet", ["my_code", "Network"]),
        ("text_encoder", ["transformers", "T5EncoderModel"]),
        ("scheduler", ["diffusers", "StableDiffusionPipeline"]),
        ("scheduler", ["my_code", "Scheduler"]),
    ],
)
def test_only_known_classes_are_made(copy: Path, field: str, value: object) -> None:
    index = json.loads((copy / "model_index.json").read_text())
    (copy / "model_index.json").write_text(json.dumps({**index, field: value}))
    refused(copy, field, "model_index.json")
