"""Every model this project can load, by kind: literal tables from a name to the dotted path of its class.

Nothing is imported before it is chosen; keeping loaded models is the business of ``models.cache``.
"""

import importlib
from collections.abc import Mapping
from typing import Any

from schema.errors import unknown_name

TEACHERS: Mapping[str, str] = {
    "litert": "models.teachers.litert:LitertTeacher",
    "onnx": "models.teachers.onnx:OnnxTeacher",
    "conv_dense": "models.teachers.conv:ConvDenseTeacher",
    "conv_mask": "models.teachers.conv:ConvMaskTeacher",
}
CAPTIONERS: Mapping[str, str] = {
    "colour": "models.captioners.colour:ColourCaptioner",
    "none": "models.captioners.none:LabelCaptioner",
}
TEXT_ENCODERS: Mapping[str, str] = {
    "words": "models.text.words:WordsEncoder",
    "open_clip": "models.text.open_clip:OpenClipEncoder",
}
GENERATORS: Mapping[str, str] = {
    "stable_diffusion": "models.generators.stable_diffusion:StableDiffusionGenerator",
}
SEGMENTERS: Mapping[str, str] = {
    "sam": "models.segmenters.sam:SamSegmenter",
}
KINDS: Mapping[str, Mapping[str, str]] = {
    "teacher": TEACHERS,
    "captioner": CAPTIONERS,
    "text encoder": TEXT_ENCODERS,
    "generator": GENERATORS,
    "segmenter": SEGMENTERS,
}


def load(kind: str, name: str) -> Any:
    """The class registered under ``name``, imported now.

    Args:
        kind: ``teacher``, ``captioner``, ``text encoder``, ``generator`` or ``segmenter``.
        name: a name of that kind's table.

    Raises:
        ConfigError: the name is in no table; the known ones are listed and the nearest suggested.
    """
    table = KINDS[kind]
    if name not in table:
        raise unknown_name(kind, name, table)
    module, _, attribute = table[name].partition(":")
    return getattr(importlib.import_module(module), attribute)
