"""Arrays on disk: Zarr format 3, bit-shuffled zstd, a checksum a chunk; what is missing never reads as zeros.

Which array belongs where is left to ``storage.layout``, when a group counts to ``storage.commit``.
"""

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from schema.errors import StoreError
from storage.layout import ArraySpec, chunk_shape

REMEDY = "run `teach3d verify --discard`, then run again: only this stage is recomputed"


def dtype_word(dtype: np.dtype) -> str:
    """NumPy's short name without the byte order: "f2", "b1"."""
    return f"{dtype.kind}{dtype.itemsize}"


def checked(spec: ArraySpec, data: np.ndarray, lengths: dict[str, int], stage_key: str) -> np.ndarray:
    """The array in native byte order, if it is what the table says.

    Args:
        spec: the table's row.
        data: what a stage wants to store.
        lengths: lengths of the axis letters met so far in this stage; extended.
        stage_key: for messages.

    Raises:
        ValueError: the dtype, the number of axes or a length differs from the table.
    """
    where = f"{stage_key}/{spec.name}"
    if not isinstance(data, np.ndarray) or dtype_word(data.dtype) != spec.dtype:
        found = data.dtype if isinstance(data, np.ndarray) else type(data).__name__
        raise ValueError(f"{where}: dtype is {found}, the layout says {spec.dtype}")
    if data.ndim != len(spec.dims):
        raise ValueError(f"{where}: shape is {data.shape}, the layout says [{', '.join(spec.dims)}]")
    for length, dim in zip(data.shape, spec.dims, strict=True):
        more = dim.endswith("1") and not dim.isdigit()
        expected = (
            int(dim) if dim.isdigit() else lengths.setdefault(dim.rstrip("1") if more else dim, length - more)
        )
        if length != expected + more:
            raise ValueError(f"{where}: axis {dim} has length {length}, expected {expected + more}")
    return np.ascontiguousarray(data, dtype=data.dtype.newbyteorder("="))


def write_array(group: Path, spec: ArraySpec, data: np.ndarray) -> Mapping[str, Any]:
    """Write one array below a group's folder and see that every chunk is there.

    Returns:
        What the manifest keeps of it: shape, dtype and bytes on disk.

    Raises:
        OSError: the disk failed or is full.
    """
    import zarr
    from zarr.codecs import BloscCodec, Crc32cCodec

    blosc = BloscCodec(cname="zstd", clevel=1, shuffle="bitshuffle", typesize=data.dtype.itemsize)
    array = zarr.create_array(
        store=str(group / spec.name),
        shape=data.shape,
        dtype=data.dtype,
        chunks=chunk_shape(spec, data.shape),
        compressors=[blosc, Crc32cCodec()],
        attributes={"unit": spec.unit, "description": spec.description},
        dimension_names=[None if dim.isdigit() else dim for dim in spec.dims],
        zarr_format=3,
        config={"write_empty_chunks": True},
    )
    _write_chunks(array, data)
    if array.nchunks_initialized != array.nchunks:
        raise OSError(
            f"{group / spec.name}: {array.nchunks_initialized} of {array.nchunks} chunks were written"
        )
    size = sum(path.stat().st_size for path in (group / spec.name).rglob("*") if path.is_file())
    return {"shape": list(data.shape), "dtype": spec.dtype, "bytes": size}


def _write_chunks(array: Any, data: np.ndarray) -> None:
    """Write chunk by chunk; as fast as ``array[...] = data``, whose writers outlive an error."""
    for chunk in _chunks(array, slice(None)):
        array.set_block_selection(chunk, data[_region(array, chunk)])


def _region(array: Any, chunk: tuple[int, ...]) -> tuple[slice, ...]:
    return tuple(slice(i * size, (i + 1) * size) for i, size in zip(chunk, array.chunks, strict=True))


def open_array(folder: Path, row: Mapping[str, Any]) -> Any:
    """Open an array for reading and see that it is the one the manifest speaks of.

    Raises:
        StoreError: its metadata is missing, damaged or of another shape.
    """
    import zarr

    try:
        array = zarr.open_array(store=str(folder), mode="r", zarr_format=3)
        found = (list(array.shape), dtype_word(array.dtype))
    except MemoryError:
        raise
    except Exception as error:
        raise StoreError("array cannot be opened", file=folder / "zarr.json", remedy=REMEDY) from error
    if found != (list(row["shape"]), row["dtype"]):
        raise StoreError(
            f"array is {found[1]}{found[0]}, the manifest says {row['dtype']}{list(row['shape'])}",
            file=folder / "zarr.json",
            remedy=REMEDY,
        )
    return array


def read_rows(folder: Path, row: Mapping[str, Any], rows: slice) -> np.ndarray:
    """Read a slice of the first axis, whole on the others.

    Raises:
        StoreError: a chunk is missing or damaged; the message names its file.
    """
    array = open_array(folder, row)
    needed = list(_chunks(array, rows))
    for chunk in needed:
        _must_exist(array, folder, chunk)
    try:
        return np.asarray(array[rows])
    except MemoryError:
        raise
    except Exception as error:
        for problem in damaged_chunks(folder, array, needed):
            raise problem from error
        raise StoreError(f"array cannot be read: {error}", file=folder, remedy=REMEDY) from error


def damaged_chunks(
    folder: Path, array: Any, chunks: list[tuple[int, ...]] | None = None
) -> Iterator[StoreError]:
    """Read chunk by chunk, and yield an error for each that is missing or fails its checksum."""
    for chunk in chunks if chunks is not None else _chunks(array, slice(None)):
        try:
            _must_exist(array, folder, chunk)
            array.get_block_selection(chunk)
        except StoreError as error:
            yield error
        except MemoryError:
            raise
        except Exception as error:  # whatever a codec makes of damaged bytes
            reason = " ".join(str(error).split()) or type(error).__name__
            yield StoreError(
                f"chunk is corrupted: {reason}", file=_chunk_file(array, folder, chunk), remedy=REMEDY
            )


def _chunks(array: Any, rows: slice) -> Iterator[tuple[int, ...]]:
    start, stop, _ = rows.indices(array.shape[0])
    per_chunk = array.chunks[0]
    first = range(start // per_chunk, -(-stop // per_chunk)) if stop > start else range(0)
    others = (
        range(-(-length // size)) for length, size in zip(array.shape[1:], array.chunks[1:], strict=True)
    )
    return itertools.product(first, *others)


def _chunk_file(array: Any, folder: Path, chunk: tuple[int, ...]) -> Path:
    return folder / str(array.metadata.encode_chunk_key(chunk))


def _must_exist(array: Any, folder: Path, chunk: tuple[int, ...]) -> None:
    path = _chunk_file(array, folder, chunk)
    if not path.is_file():
        raise StoreError("chunk is missing", file=path, remedy=REMEDY)
