"""Label files of segmentation networks: reading them, resolving aliases, checking their length.

Label sets that results are judged on are data of their own and are read elsewhere.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from schema.errors import WeightsError


def read_labels(path: Path) -> tuple[str, ...]:
    """Labels of a network, one a line, in the order of its outputs; blank lines at the end are ignored.

    Raises:
        WeightsError: the file is missing, not text, empty, or has a blank line between labels.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise WeightsError(
            f"the label file cannot be read ({error.strerror or error})",
            file=path,
            remedy="point 'labels' at a text file with one label a line",
        ) from error
    except UnicodeDecodeError as error:
        raise WeightsError(
            "the label file is not UTF-8 text",
            file=path,
            remedy="point 'labels' at a text file with one label a line",
        ) from error
    labels = tuple(line.strip() for line in text.rstrip().splitlines())
    if not labels or not all(labels):
        where = f"line {labels.index('') + 1} is blank" if labels else "it is empty"
        raise WeightsError(
            f"the label file cannot be used: {where}",
            file=path,
            remedy="write one label a line, in the order of the network's outputs",
        )
    return labels


def resolve(label: str, aliases: Mapping[str, str]) -> str:
    """The name a label stands for: its alias, also when only the case differs, or itself."""
    return aliases.get(label, aliases.get(label.lower(), label))


def usable_labels(
    labels: Sequence[str], *, void: Sequence[str], aliases: Mapping[str, str]
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The names masks can carry, and for each of the network's outputs its position among them.

    A label is void if its own or its resolved name is listed as such; two labels that resolve to one name
    become one.

    Returns:
        ``(names, position)`` with ``position[k]`` = -1 where output k is void.
    """
    names: list[str] = []
    position = []
    for label in labels:
        name = resolve(label, aliases)
        if label in void or name in void:
            position.append(-1)
            continue
        if name not in names:
            names.append(name)
        position.append(names.index(name))
    return tuple(names), tuple(position)


def check_label_count(path: Path, found: int, *, expected: int, weights: Path) -> None:
    """Refuse a label file that does not belong to its network.

    Raises:
        WeightsError: it holds ``found`` labels where the network has ``expected`` outputs.
    """
    if found != expected:
        raise WeightsError(
            f"the label file has {found} labels but {weights.name} has {expected} outputs",
            file=path,
            remedy=f"give one label for each of the {expected} outputs, in their order",
        )
