"""Segment Anything at its three published sizes, and at the small one that this project trains.

Weights are ``sam``'s business, training ``training/scale``'s.
"""

from functools import partial
from typing import Any

import torch

from models.parts import require
from models.torchvision_operators import ensure

SCALE_IMAGE_PX = 256
_NEEDED_BY = "segmenter kind 'sam'"
_SCALE_PATCH_PX, _SCALE_WIDTH, _SCALE_DECODER_WIDTH = 16, 128, 64


def build_sam(architecture: str) -> Any:
    """``segment_anything.modeling.Sam`` with fresh weights.

    Args:
        architecture: ``vit_h``, ``vit_l``, ``vit_b`` or ``scale``.

    Raises:
        MissingPartError: segment-anything is not installed.
    """
    ensure()
    library = require("segment_anything", needed_by=_NEEDED_BY)
    if architecture == "scale":
        return _build_scale(require("segment_anything.modeling", needed_by=_NEEDED_BY))
    return library.sam_model_registry[architecture]()


def build_scale_sam(seed: int) -> Any:
    """The small one, its fresh weights from ``seed``; torch's global generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build_sam("scale")


def _build_scale(modeling: Any) -> Any:
    side = SCALE_IMAGE_PX // _SCALE_PATCH_PX
    encoder = modeling.ImageEncoderViT(
        img_size=SCALE_IMAGE_PX,
        patch_size=_SCALE_PATCH_PX,
        embed_dim=_SCALE_WIDTH,
        depth=5,
        num_heads=4,
        mlp_ratio=3.0,
        out_chans=_SCALE_DECODER_WIDTH,
        norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
        qkv_bias=True,
        use_rel_pos=True,
        window_size=8,
        global_attn_indexes=(2, 4),
    )
    prompts = modeling.PromptEncoder(
        embed_dim=_SCALE_DECODER_WIDTH,
        image_embedding_size=(side, side),
        input_image_size=(SCALE_IMAGE_PX, SCALE_IMAGE_PX),
        mask_in_chans=8,
    )
    decoder = modeling.MaskDecoder(
        num_multimask_outputs=3,
        transformer=modeling.TwoWayTransformer(
            depth=2, embedding_dim=_SCALE_DECODER_WIDTH, num_heads=4, mlp_dim=256
        ),
        transformer_dim=_SCALE_DECODER_WIDTH,
        iou_head_depth=3,
        iou_head_hidden_dim=_SCALE_DECODER_WIDTH,
    )
    sam = modeling.Sam(encoder, prompts, decoder)
    return sam.eval()
