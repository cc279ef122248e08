"""Fails when a module is longer than 500 lines, or a package's __init__ holds more than a docstring."""

import ast
import sys
from pathlib import Path

ROOMS = ("schema", "ops", "storage", "models", "training", "report", "tasks", "flows")
MAX_LINES = 500


def problems() -> list[str]:
    """One line per offending file."""
    found = []
    for room in ROOMS:
        for path in sorted(Path(room).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            if text.count("\n") > MAX_LINES:
                found.append(f"{path}: {text.count(chr(10))} lines, at most {MAX_LINES}; split it")
            if path.name == "__init__.py" and len(ast.parse(text).body) != 1:
                found.append(f"{path}: a package's __init__ holds a docstring only")
    return found


if __name__ == "__main__":
    lines = problems()
    sys.stderr.write("".join(f"{line}\n" for line in lines))
    sys.exit(1 if lines else 0)
