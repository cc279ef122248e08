"""Configurations small enough for tests, shared by the tests of the scale models."""

from schema.config_scale import (
    ScaleModelsConfig,
    ScaleTextImageConfig,
    ScaleViewsConfig,
    dense_teacher_config,
    mask_teacher_config,
)

VIEWS = ScaleViewsConfig(num_rooms=5, num_held_out_rooms=2, frames_per_room=2, image_hw=(96, 128))
ENCODER = ScaleTextImageConfig(
    steps=3,
    batch=12,
    scenes=4,
    embed_dim=32,
    image_px=32,
    image_width=8,
    text_width=32,
    text_layers=1,
    captions=300,
)
DENSE = dense_teacher_config().model_copy(update={"steps": 3, "batch": 2, "width": 8})
MASK = mask_teacher_config().model_copy(update={"steps": 3, "batch": 2, "width": 8})
CONFIG = ScaleModelsConfig(views=VIEWS, text_image=ENCODER, dense_teacher=DENSE, mask_teacher=MASK)
