"""Writes the cards of docs/scale-models.md from the figures beside the models: python -m tools.make_cards.

Every number of a card is in a model's ``figures.json``, which its training wrote and which
``teach3d train-scale-models --measure`` measures again.
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ops.rooms import ROOM_CLASSES
from training.scale.catalog import MODELS, figures_of
from training.scale.teacher_figures import AHEAD, crossing

ROOT = Path(__file__).parents[1]
SHIPPED = ROOT / "models" / "data" / "scale"
PAGE = "scale-models.md"
BEGIN, END = "<!-- cards -->", "<!-- end of cards -->"
_TEACHERS = ("dense_teacher", "mask_teacher")
_NUM_WEAKEST = 5
_SHARES = frozenset({"accuracy", "iou", "class", "images: accuracy", "images: auc", "rooms: innermost: iou"})
ALL = "all"
"""Key of the value over all classes, beside those of each."""


def page(folder: Path = SHIPPED) -> str:
    """The whole page, its cards made from the figures in a folder."""
    before, rest = (ROOT / "docs" / PAGE).read_text(encoding="utf-8").split(BEGIN)
    return f"{before}{BEGIN}\n\n{cards(folder)}\n{END}{rest.split(END)[1]}"


def cards(folder: Path) -> str:
    """A card a model, in the order in which they are made; classes at which the teachers cross at the end."""
    figures = figures_of(folder)
    if not figures:
        return "No model is shipped yet: `teach3d train-scale-models` makes them.\n"
    lines: list[str] = []
    for name, values in figures.items():
        lines += [*_card(name, values), ""]
    if set(_TEACHERS) <= figures.keys():
        lines += [*_crossing(figures), ""]
    total_mb = sum(values["bytes"] for values in figures.values()) / 1e6
    missing = sorted(MODELS.keys() - figures.keys())
    lines.append(f"All weights together: {total_mb:.2f} MB in {len(figures)} models.")
    lines += [f"Not here yet: {', '.join(missing)}."] if missing else []
    return "\n".join(lines) + "\n"


def _card(name: str, values: Mapping[str, Any]) -> list[str]:
    trained, machine = values["trained_on"], values["machine"]
    lines = [f"### {name}", "", "| | |", "|---|---|"]
    place = f"{machine['device']}, {machine['threads']} threads"
    rows = {
        "class": f"`{values['model']}`",
        "size": f"{_total(values['parameters']) / 1e6:.2f} M parameters, {values['bytes'] / 1e6:.2f} MB",
        "trained in": f"{_total(values['seconds']) / 60:.0f} min on {place}",
        **{key.replace("_", " "): _text(value) for key, value in trained.items()},
    }
    lines += [f"| {key} | {value} |" for key, value in rows.items()]
    held_out = values["held_out"]
    scalars = [(key, value) for key, value in _scalars(held_out) if value is not None]
    lines += ["", "On held-out rooms:", "", "| figure | value |", "|---|--:|"]
    lines += [f"| {key} | {value} |" for key, value in scalars]
    by_class = dict(_by_class(held_out))
    if by_class:
        lines += ["", *_class_table(by_class)]
        lines += ["", *(_weakest(key, column) for key, column in by_class.items() if key in _SHARES)]
    synonyms = held_out.get("synonyms")
    if synonyms:
        lines += ["", *_synonyms(synonyms)]
    return lines


def _total(value: Any) -> float:
    return float(sum(value.values()) if isinstance(value, Mapping) else value)


def _scalars(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            if _is_by_class(value):
                value = {name: value[name] for name in (ALL,) if name in value}  # noqa: PLW2901
            if key != "by_name":
                yield from _scalars(value, f"{prefix}{key}: ")
        else:
            yield f"{prefix}{key}".replace("_", " "), _text(value)


def _by_class(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            if _is_by_class(value):
                name = prefix.removesuffix(": ") if key == "by_class" else f"{prefix}{key}"
                yield name.replace("_", " "), value
            else:
                yield from _by_class(value, f"{prefix}{key}: ")


def _is_by_class(value: Mapping[str, Any]) -> bool:
    return bool(value) and set(value) <= {ALL, *ROOM_CLASSES}


def _class_table(columns: Mapping[str, Mapping[str, Any]]) -> list[str]:
    lines = [f"| class | {' | '.join(columns)} |", f"|---|{'--:|' * len(columns)}"]
    for name in ROOM_CLASSES:
        cells = [_text(column.get(name)) for column in columns.values()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _weakest(key: str, column: Mapping[str, Any]) -> str:
    known = sorted((value, name) for name, value in column.items() if value is not None and name != ALL)
    return f"Weakest by {key}: {', '.join(f'{name} {_text(value)}' for value, name in known[:_NUM_WEAKEST])}."


def _synonyms(values: Mapping[str, Any]) -> list[str]:
    lines = ["| synonym | of | nearest class name | nearer than the next by |", "|---|---|---|--:|"]
    for name, row in values["by_name"].items():
        lines.append(f"| {name} | {row['kind']} | {row['nearest']} | {row['margin']:.3f} |")
    return lines


def _crossing(figures: Mapping[str, Mapping[str, Any]]) -> list[str]:
    one, other = (figures[name]["held_out"]["accuracy"] for name in _TEACHERS)
    ahead = crossing(one, other)
    lines = ["### Where the teachers cross", ""]
    for name, classes in zip(_TEACHERS, ahead, strict=True):
        rows = ", ".join(f"{k} {_text(one[k])} : {_text(other[k])}" for k in classes)
        lines.append(f"- {name} is ahead by at least {100 * AHEAD:.0f} points at {len(classes)}: {rows}")
    return [*lines, "", "(accuracies of dense_teacher : mask_teacher)"]


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {_text(item)}" for key, item in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(_text, value))
    return str(value)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the page, or print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=SHIPPED, help="of the models (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print the figures instead of writing the page")
    options = parser.parse_args(arguments)
    if options.json:
        print(json.dumps(figures_of(options.folder), indent=1))  # noqa: T201
    else:
        (ROOT / "docs" / PAGE).write_text(page(options.folder), encoding="utf-8")


if __name__ == "__main__":
    main()
