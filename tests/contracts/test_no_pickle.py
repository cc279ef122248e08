"""No pickle is ever written, and none read but as weights only: no room imports it or asks for it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOMS = ("flows", "tasks", "training", "report", "models", "storage", "ops", "schema")
FORBIDDEN = {
    "pickle",
    "cPickle",
    "_pickle",
    "cloudpickle",
    "dill",
    "joblib",
    "shelve",
    "marshal",
    "hickle",
    "pickletools",
}
ASKED = {
    ("np", "load"): ("allow_pickle", False),
    ("np", "savez"): ("allow_pickle", False),
    ("np", "save"): ("allow_pickle", False),
    ("np", "savez_compressed"): ("allow_pickle", False),
    ("torch", "load"): ("weights_only", True),  # tensors, containers, plain values; calls nothing
}
NEVER = {("torch", "save"), ("pd", "read_pickle")}


def offences(source: str) -> Iterator[str]:
    """What in a module's text reads or writes pickle, or would where it says nothing to the contrary."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            stem = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names = {part for name in [*stem, *(a.name for a in node.names)] for part in name.split(".")}
            yield from (f"line {node.lineno}: import of {name}" for name in names & FORBIDDEN)
        if isinstance(node, ast.Call) and (problem := _call_problem(node)):
            yield f"line {node.lineno}: {problem}"


def _call_problem(node: ast.Call) -> str | None:
    if not (isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)):
        return None
    called = (node.func.value.id, node.func.attr)
    if called in NEVER:
        return ".".join(called)
    name, value = ASKED.get(called, ("", None))
    given = {k.arg: k.value.value for k in node.keywords if isinstance(k.value, ast.Constant)}
    return f"{'.'.join(called)} without {name}={value}" if name and given.get(name) is not value else None


def test_no_room_uses_pickle(repository_root: Path) -> None:
    files = [path for room in ROOMS for path in (repository_root / room).rglob("*.py")]
    assert len(files) > 100
    found = {
        str(path.relative_to(repository_root)): problems
        for path in files
        if (problems := list(offences(path.read_text(encoding="utf-8"))))
    }
    assert found == {}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import dump",
        "from torch.utils import pickle",
        "import torch\ntorch.load('x')",
        "import torch\ntorch.load('x', weights_only=False)",
        "import torch\ntorch.save({}, 'x')",
        "import numpy as np\nnp.load('x')",
        "import numpy as np\nnp.load('x', allow_pickle=True)",
    ],
)
def test_the_search_finds_what_it_looks_for(source: str) -> None:
    assert list(offences(source))
    assert not list(offences("import numpy as np\nnp.load('x', allow_pickle=False)"))
    assert not list(offences("import torch\ntorch.load('x', weights_only=True)"))
