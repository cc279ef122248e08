"""Tiny Stable Diffusion pipelines with fresh weights as folders, and a vocabulary for them."""

import functools
import tempfile
from pathlib import Path
from typing import Any

from models.generators.scale_diffusion import (
    MAX_TOKENS,
    build_scheduler,
    build_text_encoder,
    build_unet,
    build_vae,
    load_tokenizer,
    save_pipeline,
)
from models.text.bpe import learn_merges, tokenizer_files

TEXTS = ["a good photo of a chair", "a shower curtain in a room"] * 2


def write_vocabulary(folder: Path) -> Path:
    """A vocabulary that knows the words of ``TEXTS`` and spells all others."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in tokenizer_files(learn_merges(TEXTS, 200), MAX_TOKENS).items():
        (folder / name).write_bytes(content)
    return folder


@functools.cache
def tokenizer() -> Any:
    with tempfile.TemporaryDirectory() as name:
        return load_tokenizer(write_vocabulary(Path(name)))


def pipeline_parts(seed: int = 0) -> dict[str, Any]:
    return {
        "vae": build_vae(seed),
        "unet": build_unet(seed),
        "text_encoder": build_text_encoder(tokenizer(), seed),
        "tokenizer": tokenizer(),
        "scheduler": build_scheduler(),
    }


def write_pipeline(folder: Path, seed: int = 0) -> Path:
    save_pipeline(pipeline_parts(seed), folder)
    return folder
