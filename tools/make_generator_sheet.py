"""A contact sheet of generated images per class, each with its attention and the segmenter's mask.

Run ``teach3d train-scale-models`` first, or point --generator and --segmenter at other models.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from models.generators.stable_diffusion import StableDiffusionGenerator
from models.generators.tokens import fill_prompt
from models.segmenters.sam import SamSegmenter
from ops.rooms import ROOM_CLASSES
from schema.config_synthesis import SamConfig, StableDiffusionConfig
from training.scale.batches import TEMPLATE, class_name
from training.scale.prompts import innermost_point

TILE, GAP, NAME_PX = 96, 4, 112
THRESHOLD = 0.7
ORANGE = np.array([255, 120, 0])


def main() -> None:
    """Write the sheet: a row of triplets (image, attention, mask) per class, two classes side by side."""
    parser = argparse.ArgumentParser(description=__doc__)
    scale = Path("models/data/scale")
    parser.add_argument("--generator", type=Path, default=scale / "generator")
    parser.add_argument("--segmenter", type=Path, default=scale / "segmenter" / "sam.safetensors")
    parser.add_argument("--output", type=Path, default=Path("docs/pictures/generated.png"))
    parser.add_argument("--images", type=int, default=3, help="of each class")
    parser.add_argument("--steps", type=int, default=30, help="denoising steps")
    parser.add_argument("--guidance", type=float, default=4.0, help="weight of the prompt")
    parser.add_argument("--first-seed", type=int, default=0, help="of the noise")
    chosen = parser.parse_args()
    generator = StableDiffusionGenerator(StableDiffusionConfig(folder=chosen.generator))
    segmenter = SamSegmenter(SamConfig(architecture="scale", weights=chosen.segmenter))
    rows = []
    for label in ROOM_CLASSES:
        prompt, span = fill_prompt(TEMPLATE, class_name(label))
        seeds = range(chosen.first_seed, chosen.first_seed + chosen.images)
        made = generator.generate(prompt, span, seeds, num_steps=chosen.steps, guidance=chosen.guidance)
        triplets = [
            triplet(image, attention, segmenter)
            for image, attention in zip(made.images, made.attention, strict=True)
        ]
        rows.append(np.concatenate([name_tile(label), *triplets], axis=1))
    half = (len(rows) + 1) // 2
    rows += [np.full_like(rows[0], 255)] * (2 * half - len(rows))
    sheet = np.concatenate([np.concatenate(rows[:half]), np.concatenate(rows[half:])], axis=1)
    chosen.output.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(sheet).quantize(256).save(chosen.output, optimize=True)


def triplet(image: np.ndarray, attention: np.ndarray, segmenter: SamSegmenter) -> np.ndarray:
    """Image, image lit by its attention, and image with the mask of the attention's innermost point."""
    stretched = (attention - attention.min()) / max(float(np.ptp(attention)), 1e-6)
    point = innermost_point(stretched >= THRESHOLD)
    mask, _ = segmenter.segment(image, point[None])
    lit = image * (0.25 + 0.75 * stretched[:, :, None])
    masked = np.where(mask[:, :, None], 0.55 * image + 0.45 * ORANGE, 0.45 * image)
    row, column = (round(float(value)) for value in point[::-1])
    masked[max(row - 2, 0) : row + 3, max(column - 2, 0) : column + 3] = 255
    tiles = [image, lit, masked]
    return np.concatenate([framed(np.clip(tile, 0, 255).astype(np.uint8)) for tile in tiles], axis=1)


def framed(tile: np.ndarray) -> np.ndarray:
    """A tile of the sheet's size with a white edge at the right and below."""
    small = np.asarray(Image.fromarray(tile).resize((TILE, TILE), Image.Resampling.LANCZOS))
    return np.pad(small, ((0, GAP), (0, GAP), (0, 0)), constant_values=255)


def name_tile(label: str) -> np.ndarray:
    """The class's name in black on white."""
    tile = Image.new("RGB", (NAME_PX, TILE + GAP), "white")
    ImageDraw.Draw(tile).text((6, TILE // 2 - 6), label, fill="black")
    return np.asarray(tile)


if __name__ == "__main__":
    main()
