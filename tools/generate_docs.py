"""Writes the parts of docs/ that follow from the code: keys, JSON schemas, command help, the store's layout.

A test compares what this would write with what is there.
"""

import io
import json
import os
import typing
from collections.abc import Iterator
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from schema.config import PipelineConfig
from storage.layout import layout_table

DOCS = Path(__file__).parents[1] / "docs"
TABLE_BEGINS, TABLE_ENDS = "<!-- layout table -->", "<!-- end of layout table -->"
SECTION_ORDER = "source split ingest oversegment teachers lift text fuse distill evaluate report runtime"


def documents() -> dict[str, str]:
    """Every generated document: path below docs/ -> content."""
    return {
        "configuration.md": configuration_page(),
        "commands.md": commands_page(),
        "schemas/recipe.schema.json": json.dumps(PipelineConfig.model_json_schema(), indent=1) + "\n",
        "store.md": store_page(),
        "scale-models.md": scale_models_page(),
    }


def store_page() -> str:
    """The page on the store with the table of arrays as the code has it."""
    before, rest = (DOCS / "store.md").read_text(encoding="utf-8").split(TABLE_BEGINS)
    after = rest.split(TABLE_ENDS)[1]
    return f"{before}{TABLE_BEGINS}\n{layout_table().strip()}\n{TABLE_ENDS}{after}"


def scale_models_page() -> str:
    """The page on the scale models with a card of each that is shipped."""
    from tools.make_cards import page

    return page()


def configuration_page() -> str:
    """Every key of a recipe, a table a section."""
    lines = [
        "# Configuration",
        "",
        "A recipe is one YAML file; `--set key.sub=value` overrides a key. An unknown key is an error.",
        "Changing a key redoes the stages that depend on it. Keys in *italics* say where things are and",
        "change no result. Written by `make docs`; for programs: `docs/schemas/recipe.schema.json`.",
        "",
    ]
    top = [name for name in PipelineConfig.model_fields if name not in SECTION_ORDER.split()]
    lines += ["## top level", "", *_table(PipelineConfig, only=top), ""]
    for section in SECTION_ORDER.split():
        field = PipelineConfig.model_fields[section]
        for model in _models(field.annotation):
            kind = model.model_fields.get("kind")
            title = f"{section}: {kind.default}" if kind is not None else section
            doc = (model.__doc__ or "").strip().splitlines()[0]
            lines += [f"## {title}", "", doc, "", *_table(model), ""]
            for name, inner in model.model_fields.items():
                for nested in _models(inner.annotation):
                    lines += [f"### {section}.{name}", "", *_table(nested), ""]
    return "\n".join(lines).rstrip() + "\n"


def _table(model: type[BaseModel], only: list[str] | None = None) -> list[str]:
    rows = ["| key | type and range | default | meaning |", "|---|---|---|---|"]
    silent = getattr(model, "NOT_IN_FINGERPRINT", frozenset())
    properties = model.model_json_schema()["properties"]
    for name, field in model.model_fields.items():
        if only is not None and name not in only:
            continue
        key = f"*`{name}`*" if name in silent else f"`{name}`"
        default = _default(field)
        meaning = field.description or ""
        rows.append(f"| {key} | {_type(properties[name])} | {default} | {meaning} |")
    return rows


def _default(field: Any) -> str:
    if field.default is PydanticUndefined:
        return "" if field.default_factory is not None else "required"
    value = list(field.default) if isinstance(field.default, tuple) else field.default
    return f"`{json.dumps(value, default=str)}`"


def _type(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(option) for option in schema["anyOf"]))
    names = {"exclusiveMinimum": ">", "minimum": ">=", "exclusiveMaximum": "<", "maximum": "<="}
    limits = [f"{sign} {schema[word]:g}" for word, sign in names.items() if word in schema]
    return ", ".join([str(schema.get("type", "section")), *limits])


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in typing.get_args(annotation):
        yield from _models(argument)


def commands_page() -> str:
    """What ``--help`` prints, for every command."""
    from flows.cli import COMMANDS

    lines = ["# Commands", "", "What `--help` prints. Written by `make docs`.", ""]
    for name in ("", *COMMANDS):
        lines += [f"## teach3d {name}".rstrip(), "", "```", _help(name), "```", ""]
    return "\n".join(lines).rstrip() + "\n"


def _help(command: str) -> str:
    from rich.console import Console

    from flows.cli import app

    printed = io.StringIO()
    console = Console(file=printed, width=100, force_terminal=False, color_system=None)
    with suppress(SystemExit), redirect_stdout(printed):
        app([*command.split(), "--help"], console=console, result_action="return_value")
    return "\n".join(line.rstrip() for line in printed.getvalue().strip().splitlines())


if __name__ == "__main__":
    os.environ["COLUMNS"] = "100"
    root = Path(__file__).parent.parent / "docs"
    for path, text in documents().items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
