"""The architecture of the scale generator: a Stable Diffusion pipeline at a two-hundredth of its size.

Training them is ``training/scale``'s business; loading what was trained, ``pipeline_folder``'s.
"""

from pathlib import Path
from typing import Any

import torch

from models.parts import require
from models.torchvision_operators import ensure

IMAGE_PX = 128
LATENT_PX = 16
MAX_TOKENS = 24
_NEEDED_BY = "the scale generator"


def load_tokenizer(folder: Path) -> Any:
    """The ``CLIPTokenizer`` of ``vocab.json`` and ``merges.txt``, padding to ``MAX_TOKENS``."""
    ensure()
    transformers = require("transformers", needed_by=_NEEDED_BY)
    return transformers.CLIPTokenizer.from_pretrained(
        str(folder), local_files_only=True, model_max_length=MAX_TOKENS
    )


def build_vae(seed: int) -> Any:
    """``AutoencoderKL`` with fresh weights: 128 px to 4 x 16 x 16 and back; 1.07 M parameters."""
    ensure()
    diffusers = require("diffusers", needed_by=_NEEDED_BY)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return diffusers.AutoencoderKL(
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            block_out_channels=(24, 48, 64, 64),
            layers_per_block=1,
            latent_channels=4,
            norm_num_groups=8,
            sample_size=IMAGE_PX,
            mid_block_add_attention=False,
        )


def build_unet(seed: int) -> Any:
    """``UNet2DConditionModel`` with fresh weights; cross-attention at 16 x 16 and 8 x 8, 4.24 M weights."""
    ensure()
    diffusers = require("diffusers", needed_by=_NEEDED_BY)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return diffusers.UNet2DConditionModel(
            sample_size=LATENT_PX,
            in_channels=4,
            out_channels=4,
            down_block_types=("CrossAttnDownBlock2D",) * 2,
            up_block_types=("CrossAttnUpBlock2D",) * 2,
            block_out_channels=(64, 128),
            layers_per_block=1,
            cross_attention_dim=96,
            attention_head_dim=4,  # diffusers' name for the number of heads
            norm_num_groups=8,
        )


def build_text_encoder(tokenizer: Any, seed: int) -> Any:
    """``CLIPTextModel`` with fresh weights for a tokenizer's vocabulary: two layers of width 96."""
    transformers = require("transformers", needed_by=_NEEDED_BY)
    config = transformers.CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=96,
        intermediate_size=192,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=MAX_TOKENS,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return transformers.CLIPTextModel(config)


def build_scheduler() -> Any:
    """``DDIMScheduler`` of a network that predicts v, with steps spaced from the last one."""
    diffusers = require("diffusers", needed_by=_NEEDED_BY)
    return diffusers.DDIMScheduler(
        num_train_timesteps=1000,
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        timestep_spacing="trailing",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    )


def save_pipeline(parts: dict[str, Any], folder: Path, dtype: torch.dtype = torch.float16) -> None:
    """Write a pipeline's folder; the same weights always give the same bytes.

    Args:
        parts: ``vae``, ``unet``, ``text_encoder``, ``tokenizer`` and ``scheduler``.
        folder: made if missing; files of the same names are replaced.
        dtype: of the weights in the files.
    """
    diffusers = require("diffusers", needed_by=_NEEDED_BY)
    kept = {name: next(iter(parts[name].parameters())).dtype for name in ("vae", "unet", "text_encoder")}
    pipe = diffusers.StableDiffusionPipeline(
        **parts, safety_checker=None, feature_extractor=None, requires_safety_checker=False
    )
    for name in kept:
        parts[name].to(dtype)
    pipe.save_pretrained(str(folder), safe_serialization=True)
    for name, before in kept.items():
        parts[name].to(before)
