"""Names of the sparse engines; nothing heavy is imported until one is chosen.

What an engine must do is said in ``models.sparse.protocol``.
"""

import importlib
from functools import cache
from typing import cast

from models.sparse.protocol import SparseEngine
from schema.errors import unknown_name

ENGINES = {
    "torch": "models.sparse.torch_engine:TorchEngine",
    "reference": "models.sparse.reference:ReferenceEngine",
    "minkowski": "models.sparse.minkowski:MinkowskiEngine",
    "spconv": "models.sparse.spconv:SpconvEngine",
}


@cache
def load_engine(name: str = "torch") -> SparseEngine:
    """The engine called ``name``; engines hold no state, so one of each serves the process.

    Raises:
        ConfigError: no engine has that name.
        MissingPartError: the package it needs is not installed.
    """
    if name not in ENGINES:
        raise unknown_name("sparse engine", name, ENGINES)
    module, _, attribute = ENGINES[name].partition(":")
    return cast("SparseEngine", getattr(importlib.import_module(module), attribute)())
