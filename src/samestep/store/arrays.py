"""Arrays in Zarr, laid out for xarray: one task owns whole chunks.

They are written through Zarr itself, because a write through xarray reads all metadata anew and
takes thirty times as long; their dimensions have names, so xarray opens them. A chunk that is
missing reads as NaN and says nothing, so what is read is held against the checksums of the task
that wrote it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from samestep.errors import MissingParticipantError
from samestep.store.files import StoreError, writing

if TYPE_CHECKING:
    import xarray
    import zarr

__all__ = ["ArrayGroup", "ArraySpec", "Region"]

_FOLDER = "arrays.zarr"

Region: TypeAlias = tuple[slice, ...]
"""The part of an array that a task owns, one slice for each of its first dimensions."""


class ArraySpec(NamedTuple):
    """One array of a group.

    Parameters
    ----------
    dims : tuple of str
        Names of its dimensions.
    shape, chunk : tuple of int
        The whole array, and what is stored in one file.
    dtype : str
    """

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    chunk: tuple[int, ...]
    dtype: str


class ArrayGroup:
    """A group of arrays in a store, which xarray opens as one data set.

    Parameters
    ----------
    store : Path
        Folder of the store.
    name : str
        Path of the group in it.
    """

    def __init__(self, store: Path, name: str) -> None:
        self._path = store / _FOLDER
        self._name = name
        self._arrays: dict[str, zarr.Array[Any]] = {}

    def create(
        self,
        arrays: Mapping[str, ArraySpec],
        coordinates: Mapping[str, tuple[str, npt.NDArray[Any]]],
        attributes: Mapping[str, Any],
    ) -> None:
        """Make the arrays, empty, in place of what is there.

        Parameters
        ----------
        arrays : mapping of str to ArraySpec
        coordinates : mapping of str to (str, array)
            Labels of a dimension, which are written at once.
        attributes : mapping
            JSON data.
        """
        with writing(self._path):
            root = _zarr().open_group(self._path, mode="a")
            group = root.create_group(self._name, overwrite=True)
            for name, (dim, values) in coordinates.items():
                group.create_array(name, data=values, dimension_names=(dim,))
            for name, spec in arrays.items():
                group.create_array(
                    name,
                    shape=spec.shape,
                    chunks=spec.chunk,
                    dtype=spec.dtype,
                    dimension_names=spec.dims,
                    fill_value=np.nan,
                )
            group.attrs.update({**attributes, "coordinates": " ".join(coordinates)})

    def write(
        self, regions: Mapping[str, Region], values: Mapping[str, npt.NDArray[Any]]
    ) -> dict[str, str]:
        """Write what a task found, and return its checksums by array."""
        with writing(self._path / self._name):
            for name, region in regions.items():
                self._array(name)[region] = values[name]
        return {name: _checksum(values[name]) for name in regions}

    def read(
        self, regions: Mapping[str, Region], checksums: Mapping[str, str]
    ) -> dict[str, npt.NDArray[Any]]:
        """Read what a task found.

        Raises
        ------
        StoreError
            If a chunk is missing, truncated or changed.
        """
        found = {}
        for name, region in regions.items():
            found[name] = self._values(name, region)
            if _checksum(found[name]) != checksums.get(name):
                raise self._damaged(name, region, "its checksum does not fit")
        return found

    def verify_labels(self, coordinates: Mapping[str, tuple[str, npt.NDArray[Any]]]) -> None:
        """Raise an error if a coordinate is not what :meth:`create` was given."""
        for name, (_, values) in coordinates.items():
            region = (slice(0, len(values)),)
            if not np.array_equal(self._values(name, region), values):
                raise self._damaged(name, region, "it is not what was written")

    def _values(self, name: str, region: Region) -> npt.NDArray[Any]:
        _zarr()  # its absence is no damage
        try:
            return np.asarray(self._array(name)[region])
        except Exception as error:  # whatever a damaged file makes of a codec
            raise self._damaged(name, region, type(error).__name__) from error

    def open(self) -> xarray.Dataset:
        """Open all arrays as a data set that reads when it is asked."""
        import xarray

        _zarr()
        found: xarray.Dataset = xarray.open_zarr(
            self._path, group=self._name, consolidated=False, chunks=None
        )
        return found

    def _array(self, name: str) -> zarr.Array[Any]:
        if name not in self._arrays:
            array = _zarr().open_array(self._path, path=f"{self._name}/{name}", mode="r+")
            self._arrays[name] = array
        return self._arrays[name]

    def _damaged(self, name: str, region: Region, why: str) -> StoreError:
        place = ", ".join(f"{part.start or 0}:{part.stop}" for part in region)
        return StoreError(
            f"{str(self._path / self._name / name)!r} is damaged at [{place}]: {why}.",
            "Run the sweep into this folder again: what is damaged is computed anew.",
        )


def _checksum(values: npt.NDArray[Any]) -> str:
    digest = hashlib.sha256(f"{values.dtype} {values.shape}".encode())
    digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def _zarr() -> Any:
    try:
        import zarr
    except ImportError as error:
        raise MissingParticipantError(
            "Results are stored with zarr, which is not installed.",
            "Install it: pip install 'samestep[sweep]'",
        ) from error
    return zarr
