"""``summary.json``: the last run of a store, written atomically; its fields are in docs/schemas."""

import dataclasses
from typing import Any

from schema.summary import RunSummary
from storage.disk import read_json, write_json
from storage.store import Store

FILE_NAME = "summary.json"
SCHEMA_VERSION = 1


def summary_json(summary: RunSummary) -> dict[str, Any]:
    """A summary as JSON values."""
    return {"schema_version": SCHEMA_VERSION, **dataclasses.asdict(summary)}


def write_summary(store: Store, summary: RunSummary) -> None:
    """Replace the store's summary."""
    write_json(store.root / FILE_NAME, summary_json(summary))


def read_summary(store: Store) -> dict[str, Any]:
    """The last run's summary; empty before the first."""
    values = read_json(store.root / FILE_NAME)
    return values if isinstance(values, dict) else {}
