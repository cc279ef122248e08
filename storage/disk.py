"""Small careful file operations: atomic writes, flushing to disk, removal, telling a full disk.

What is written, and in which order, is left to the callers.
"""

import contextlib
import errno
import json
import logging
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from schema.errors import StorageFullError, StoreError

_LOG = logging.getLogger(__name__)
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def write_atomically(path: Path, data: bytes) -> None:
    """Write a whole file, or leave the former one: temporary name in the same folder, fsync, rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temp = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
    try:
        with temp.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temp, path)  # noqa: PTH105 - the one call that crash tests intercept
    except BaseException:
        with contextlib.suppress(OSError):
            temp.unlink()
        raise
    sync_folder(path.parent)


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically; ASCII only, keys in the given order, no NaN."""
    text = json.dumps(value, indent=1, ensure_ascii=True, allow_nan=False)
    write_atomically(path, text.encode("ascii") + b"\n")


def read_json(path: Path) -> Any:
    """The file's JSON value, or None when it is missing, torn or not JSON."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries to disk, where the file system can."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)


def sync_file(path: Path) -> None:
    """Flush a file to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_tree(root: Path) -> None:
    """Flush every file and folder below ``root``, and ``root``, to disk."""
    for folder, _, files in os.walk(root):
        for name in files:
            sync_file(Path(folder) / name)
        sync_folder(Path(folder))


def remove(path: Path) -> None:
    """Remove a file or a whole folder if it is there; what cannot be removed is logged and left."""
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except FileNotFoundError:
        return
    except OSError as error:
        _LOG.warning("%s could not be removed: %s", path, error.strerror or error)


def _full_disk_error(error: BaseException) -> OSError | None:
    seen: set[int] = set()
    todo: list[BaseException | None] = [error]
    while todo:
        current = todo.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        if isinstance(current, OSError) and current.errno in _FULL:
            return current
        if isinstance(current, BaseExceptionGroup):
            todo += current.exceptions
        todo += [current.__cause__, current.__context__]
    return None


def has_no_space(folder: Path) -> bool:
    """Whether a folder's file system has less than a mebibyte left for this user."""
    return shutil.disk_usage(folder).free < 2**20


@contextlib.contextmanager
def full_disk_told(folder: Path) -> Iterator[None]:
    """Turn "no space left" and "quota exceeded", however deep they are wrapped, into one clear error.

    Raises:
        StorageFullError: the body failed because ``folder``'s file system is full.
    """
    try:
        yield
    except StoreError:
        raise
    except Exception as error:
        cause = _full_disk_error(error)
        if cause is None and not has_no_space(folder):
            raise
        told = cause.strerror if cause is not None else None
        raise StorageFullError(
            (told or "no space left on device").lower(),
            file=folder,
            remedy="free some space and run again; everything committed before is kept",
        ) from error
