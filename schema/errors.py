"""The errors a user can cause, each printed as one line; internal faults stay ordinary exceptions.

What the line looks like is decided here alone; where an error is caught and turned into an exit code is
the command line's business.
"""

import difflib
from collections.abc import Iterable
from pathlib import Path

_UNSET = object()


class Teach3dError(ValueError):
    """Something a user can mend. ``str(error)`` is one line: file, field, value, problem, remedy.

    Args:
        problem: what is wrong, without a full stop ("the pose is not finite").
        remedy: what to do about it, in the imperative ("re-export the frame or delete it").
        file: the file concerned, if there is one.
        field: the configuration key or the field in the file.
        value: the offending value; shown with ``repr`` and cut at 80 characters.
    """

    def __init__(
        self,
        problem: str,
        *,
        remedy: str,
        file: str | Path | None = None,
        field: str | None = None,
        value: object = _UNSET,
    ) -> None:
        self.problem = problem
        self.remedy = remedy
        self.file = None if file is None else str(file)
        self.field = field
        self.value = None if value is _UNSET else _shorten(repr(value))
        super().__init__(problem)

    def __str__(self) -> str:
        where = [part for part in (self.file, self.field) if part]
        if self.value is not None:
            where.append(f"{where.pop()} = {self.value}" if self.field else self.value)
        line = ": ".join([*where, self.problem])
        return " ".join(f"{line}; {self.remedy}".split())

    def __reduce__(self) -> tuple[object, tuple[object, ...], dict[str, object]]:
        return (_rebuild, (type(self), self.problem), dict(self.__dict__))


def _rebuild(kind: type[Teach3dError], problem: str) -> Teach3dError:
    error = kind.__new__(kind)
    ValueError.__init__(error, problem)
    return error


def _shorten(text: str, limit: int = 80) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."


class ConfigError(Teach3dError):
    """A recipe or an override is wrong."""


class InputError(Teach3dError):
    """A raw capture (image, depth, pose, intrinsics, label file) cannot be used."""


class WeightsError(Teach3dError):
    """A weight file is missing, corrupt or does not fit its network."""


class StoreError(Teach3dError):
    """A store is newer, damaged or does not hold what was asked for."""


class StorageFullError(StoreError):
    """No space is left for the store."""


class SpaceMismatchError(Teach3dError):
    """Vectors of two different text spaces were about to be mixed."""


class MissingPartError(Teach3dError):
    """An optional library is not installed."""


def unknown_name(kind: str, name: str, known: Iterable[str], *, field: str | None = None) -> ConfigError:
    """An error for a name that is not in a catalog: lists the names that exist, suggests the nearest.

    Args:
        kind: what is being named ("teacher kind", "fusion strategy").
        name: what was asked for.
        known: the names that exist.
        field: the configuration key, if any.
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return ConfigError(
        f"unknown {kind}", field=field, value=name, remedy=f"{hint}known are: {', '.join(names) or '(none)'}"
    )
