"""Import of heavy libraries: a missing one becomes one clear line with the command that installs it.

Which part needs which library is said by the adapter that calls this.
"""

import importlib
from types import ModuleType

from schema.errors import MissingPartError


def require(module: str, *, needed_by: str, extra: str | None = None) -> ModuleType:
    """Import ``module`` or say how to get it.

    Args:
        module: dotted name, e.g. ``ai_edge_litert.interpreter``.
        needed_by: what the user asked for ("teacher kind litert").
        extra: the extra of this distribution that installs it; None: the distribution itself does.

    Raises:
        MissingPartError: the library, or something that it needs, is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingPartError(
            f"{needed_by} needs a library that cannot be imported ({error})",
            field=module,
            remedy=f'run: pip install "teach3d[{extra}]"' if extra else "run: pip install teach3d",
        ) from error
