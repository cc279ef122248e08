"""Students of other projects: OpenScene's and SAS's MinkUNet checkpoints as this project's network.

Reading the file is ``checkpoint_file``'s business, writing a student's files ``training.checkpoint``'s.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from models.student.checkpoint_file import CheckpointFile, read_checkpoint
from models.student.minkunet import ARCHITECTURES, Layout, MinkUNet, Planes, build_network
from schema.errors import WeightsError, unknown_name

PREFIXES = ("module.", "net3d.")
"""What wrappers put before the names: PyTorch's data parallelism and OpenScene's network."""

TEXT_SPACES: Mapping[int, str] = {
    512: "open_clip:ViT-B-32-quickgelu",
    768: "open_clip:ViT-L-14-336-quickgelu",
}
"""Where published students live, by length: LSeg's features in CLIP ViT-B/32, OpenSeg's in ViT-L/14@336px.

Both with OpenAI's weights. A file does not say so, hence the name without a digest (``schema.spaces``).
"""

_LISTED = 8
_BLOCK = re.compile(r"block([1-8])\.(\d+)\.conv1\.kernel")
_COUNTER = "num_batches_tracked"


@dataclass(frozen=True)
class ImportedStudent:
    """A network out of a foreign file.

    Attributes:
        architecture: a key of ``ARCHITECTURES``.
        planes: channels of the eight levels; None for the architecture's own.
        channels: length of an output feature.
        tensors: float32 (counters int64), this project's names and shapes.
        extras: what else the file holds, in words.
        changes: what was done to names and tensors, in words.
    """

    architecture: str
    planes: Planes | None
    channels: int
    tensors: Mapping[str, Tensor]
    extras: Mapping[str, str]
    changes: tuple[str, ...]

    @property
    def text_space(self) -> str | None:
        """Where a published student of this length lives; None if none is known."""
        return TEXT_SPACES.get(self.channels)

    @property
    def num_parameters(self) -> int:
        """Of the network, batch statistics not counted."""
        learned = (".kernel", ".weight", ".bias")
        return sum(tensor.numel() for name, tensor in self.tensors.items() if name.endswith(learned))

    def network(self) -> MinkUNet:
        """The network, in evaluation mode."""
        network = build_network(self.architecture, self.planes, self.channels)
        network.load_state_dict(dict(self.tensors))
        return network.eval()


def import_student(path: Path, architecture: str | None = None) -> ImportedStudent:
    """Read a checkpoint and see that it is a MinkUNet, complete and nothing more.

    Blocks, channels and the length of a feature follow from the tensors.

    Args:
        path: a file ``checkpoint_file.read_checkpoint`` can read.
        architecture: what it must be; None takes whatever it is.

    Raises:
        WeightsError: the file cannot be read, or its tensors are not those of such a network.
        ConfigError: no architecture has that name.
    """
    if architecture is not None and architecture not in ARCHITECTURES:
        raise unknown_name("architecture", architecture, ARCHITECTURES, field="--architecture")
    file = read_checkpoint(path)
    changes: list[str] = []
    tensors = _without_bias(path, _bare_names(path, file, changes), changes)
    layout, channels = _layout(path, tensors)
    name, planes = _architecture(path, layout, architecture)
    with torch.device("meta"):  # names and shapes without memory
        expected = build_network(name, planes, channels).state_dict()
    tensors = _fitted(tensors, expected, changes)
    _check(path, tensors, expected, name)
    return ImportedStudent(name, planes, channels, tensors, file.extras, tuple(changes))


def _bare_names(path: Path, file: CheckpointFile, changes: list[str]) -> dict[str, Tensor]:
    """Names without prefixes, however they are nested."""
    bare: dict[str, Tensor] = {}
    removed: dict[str, None] = {}
    for name, tensor in file.tensors.items():
        short = name
        while short.startswith(PREFIXES):
            short = short.partition(".")[2]
        if short in bare:
            raise WeightsError(
                "two tensors have this name once prefixes are taken off",
                file=path,
                field=short,
                remedy="save one network's state dict",
            )
        bare[short] = tensor
        removed[name.removesuffix(short)] = None
    found = [prefix for prefix in removed if prefix]
    if found:
        changes.append(f"prefix {', '.join(found)} taken off")
    return bare


def _without_bias(path: Path, tensors: dict[str, Tensor], changes: list[str]) -> dict[str, Tensor]:
    """MinkowskiEngine's own examples have a bias in the last layer; the field's students have none."""
    if "final.bias" not in tensors:
        return tensors
    if bool(tensors["final.bias"].any()):
        raise WeightsError(
            "is not zero, and the last layer of a student has no bias; its features would be others",
            file=path,
            field="final.bias",
            remedy="this is likely a classifier; give a student distilled into a text space",
        )
    changes.append("final.bias, all zero, left out")
    return {name: tensor for name, tensor in tensors.items() if name != "final.bias"}


def _layout(path: Path, tensors: Mapping[str, Tensor]) -> tuple[Layout, int]:
    """Blocks and channels of the levels and the length of a feature, from names and shapes."""
    blocks, planes = [0] * 8, [0] * 8
    for name, tensor in tensors.items():
        match = _BLOCK.fullmatch(name)
        if match is not None and tensor.ndim == 3:
            level = int(match[1]) - 1
            blocks[level] += 1
            planes[level] = int(tensor.shape[2])
    final = tensors.get("final.kernel")
    if 0 in blocks or final is None or final.ndim < 2:
        raise WeightsError(
            f"is no MinkUNet: its {len(tensors)} tensors are {_listing(list(tensors))}",
            file=path,
            remedy="give a checkpoint with MinkowskiEngine's names (conv0p1s1.kernel, block1.0.conv1.kernel, "
            "..., final.kernel)",
        )
    return Layout(_eight(blocks), _eight(planes)), int(final.shape[-1])


def _eight(values: Sequence[int]) -> Planes:
    a, b, c, d, e, f, g, h = values
    return (a, b, c, d, e, f, g, h)


def _architecture(path: Path, layout: Layout, wanted: str | None) -> tuple[str, Planes | None]:
    """The architecture's name, and the channels where they are not its own."""
    alike = [name for name, known in ARCHITECTURES.items() if known.num_blocks == layout.num_blocks]
    if wanted is not None and wanted not in alike:
        raise WeightsError(
            f"has {_plain(layout.num_blocks)} blocks a level, {wanted} has "
            f"{_plain(ARCHITECTURES[wanted].num_blocks)}",
            file=path,
            field="--architecture",
            value=wanted,
            remedy=f"it is {' or '.join(alike)}" if alike else "no known architecture has as many",
        )
    if not alike:
        raise WeightsError(
            f"has {_plain(layout.num_blocks)} blocks a level, as no known architecture",
            file=path,
            remedy=f"known are: {', '.join(sorted(ARCHITECTURES))}",
        )
    same = [name for name in alike if ARCHITECTURES[name] == layout]
    name = wanted or (same or alike)[0]
    return name, None if ARCHITECTURES[name] == layout else layout.planes


def _plain(values: Sequence[int]) -> str:
    return ",".join(str(value) for value in values)


def _fitted(
    tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor], changes: list[str]
) -> dict[str, Tensor]:
    """Layouts and types as this project has them: matrices for kernel size 1, float32, all counters."""
    fitted, matrices, converted = dict(tensors), 0, set()
    for name, tensor in tensors.items():
        if name not in expected:
            continue
        if tensor.ndim == 3 and tensor.shape[0] == 1 and expected[name].ndim == 2:
            fitted[name], matrices = tensor[0], matrices + 1
        if tensor.dtype != expected[name].dtype:
            converted.add(str(tensor.dtype).removeprefix("torch."))
            fitted[name] = fitted[name].to(expected[name].dtype)
    counters = [name for name in expected if name.endswith(_COUNTER) and name not in tensors]
    fitted.update({name: torch.zeros((), dtype=torch.int64) for name in counters})
    if matrices:
        changes.append(f"{matrices} kernels of size 1 stored as [1, in, out], now [in, out]")
    if converted:
        changes.append(f"{', '.join(sorted(converted))} converted")
    if counters:
        changes.append(f"{len(counters)} counters of batches were missing, set to 0")
    return {name: tensor.contiguous() for name, tensor in fitted.items()}


def _check(path: Path, tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor], name: str) -> None:
    """Refuse unknown and missing names, other shapes, and numbers that are not finite."""
    missing = [key for key in expected if key not in tensors]
    unknown = [key for key in tensors if key not in expected]
    reshaped = [
        f"{key} {list(tensors[key].shape)} instead of {list(expected[key].shape)}"
        for key in expected
        if key in tensors and tensors[key].shape != expected[key].shape
    ]
    kinds = {"missing": missing, "unknown": unknown, "of another shape": reshaped}
    facts = [f"{len(keys)} tensors {kind}: {_listing(keys)}" for kind, keys in kinds.items() if keys]
    if facts:
        raise WeightsError(
            f"does not fit {name}; {'; '.join(facts)}",
            file=path,
            remedy="give the whole state dict of a student of OpenScene's or SAS's layout",
        )
    wild = [key for key, tensor in tensors.items() if not bool(tensor.isfinite().all())]
    if wild:
        raise WeightsError(
            f"{len(wild)} tensors hold numbers that are not finite: {_listing(wild)}",
            file=path,
            remedy="its training diverged, or the file is damaged; take another checkpoint",
        )


def _listing(names: Sequence[str]) -> str:
    more = f", ... ({len(names) - _LISTED} more)" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more
