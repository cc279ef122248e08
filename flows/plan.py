"""What a recipe asks for against what the store holds: every job, its fingerprint, its state and why.

Needs neither Prefect nor torch nor Zarr, so that a run with nothing to do says so at once. Doing the
jobs is the pipeline's business.
"""

import fnmatch
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from models.cache import weights_files
from schema.config import PipelineConfig
from schema.errors import ConfigError, WeightsError
from schema.stages import STAGES, Plan, StageJob, stage_word
from storage.fingerprint import file_digest, fingerprint
from storage.label_sets import load_aliases, load_label_set, load_synonyms
from storage.layout import STUDENT_FILE
from storage.sources.catalog import open_source
from storage.store import Store, check_scene_ids
from storage.unit import Unit


def make_plan(config: PipelineConfig, store: Store) -> Plan:
    """Plan every stage of every scene.

    Raises:
        Teach3dError: the recipe names something that does not exist, or the source cannot be read.
    """
    return _Planner(config, store).plan()


class _Planner:
    """Collects jobs in the order in which they can be done; a job's inputs are jobs planned before it."""

    def __init__(self, config: PipelineConfig, store: Store) -> None:
        self._config = config
        self._store = store
        self._digests = store.digests
        self._jobs: dict[tuple[str, str], StageJob] = {}

    def plan(self) -> Plan:
        source = open_source(self._config.source)
        scene_ids = tuple(source.scene_ids())
        check_scene_ids(scene_ids)
        split = self._config.split
        train = self._select(scene_ids, split.train, "split.train")
        evaluated = self._select(scene_ids, split.evaluate, "split.evaluate")
        validated = self._select(scene_ids, split.validate_on, "split.validate_on")
        self._refuse_shared(train, validated)
        lifts = self._lift_inputs()
        vocabulary = self._vocabulary_inputs()
        used = tuple(scene_id for scene_id in scene_ids if scene_id in {*train, *validated, *evaluated})
        for scene_id in used:
            self._plan_scene(scene_id, source.identity(scene_id), lifts, vocabulary)
        self._plan_student(train, validated)
        for scene_id in evaluated:
            self._plan_evaluation(scene_id, vocabulary)
        self._plan_report(evaluated)
        return Plan(tuple(self._jobs.values()), used)

    def _plan_scene(
        self,
        scene_id: str,
        identity: Mapping[str, Any],
        lifts: Mapping[str, Mapping[str, str]],
        vocabulary: Mapping[str, str],
    ) -> None:
        config = self._config
        source = config.source.result_fields()
        inputs = {"capture": fingerprint("capture", 1, dict(identity), {})}
        if config.source.kind == "clouds":
            virtual = {"source": source, "render": config.render.result_fields()}
            inputs["render"] = self._add(scene_id, "render", virtual, dict(inputs))
        capture = {"source": source, "ingest": config.ingest.result_fields()}
        ingest = self._add(scene_id, "ingest", capture, inputs)
        superpoints = self._add(
            scene_id, "oversegment", config.oversegment.result_fields(), {"ingest": ingest}
        )
        lifted = {}
        for name, teacher in config.teachers.items():
            stage = f"lift/{name}"
            lift_values = {"lift": config.lift.result_fields(), "teacher": teacher.result_fields()}
            seen_through = vocabulary if teacher.kind == "conv_dense" else {}
            inputs = {"ingest": ingest, **lifts[name], **seen_through}
            lifted[stage] = self._add(scene_id, stage, lift_values, inputs)
        values: dict[str, Any] = {
            "fuse": config.fuse.result_fields(),
            "text": config.text.result_fields(),
            "teachers": list(config.teachers),  # their order decides ties and the columns
        }
        inputs = {**lifted, "oversegment": superpoints, **vocabulary, **self._capability_input()}
        self._add(scene_id, "fuse", values, inputs)

    def _plan_student(self, train: Sequence[str], validated: Sequence[str]) -> None:
        inputs = {
            f"{scene_id}/{stage}": self._jobs[scene_id, stage].fingerprint
            for scene_id in (*train, *validated)
            for stage in ("oversegment", "fuse")
        }
        values: dict[str, Any] = {
            "distill": self._config.distill.result_fields(),
            "train": list(train),
            "validate_on": list(validated),
        }
        if not self._config.distill.same_for_any_processes:
            values["processes"] = self._config.runtime.processes
        folder = self._config.distill.initial_weights
        if folder is not None:
            inputs["initial_weights"] = self._file(folder / STUDENT_FILE, "distill.initial_weights")
        self._add("student", "distill", values, inputs)

    @staticmethod
    def _refuse_shared(train: Sequence[str], validated: Sequence[str]) -> None:
        shared = sorted(set(train) & set(validated))
        if shared:
            raise ConfigError(
                "scenes that teach cannot also choose the weights",
                field="split.validate_on",
                value=", ".join(shared[:8]),
                remedy="take them out of split.train or of split.validate_on",
            )

    def _plan_evaluation(self, scene_id: str, vocabulary: Mapping[str, str]) -> None:
        config = self._config
        values = {
            "evaluate": config.evaluate.result_fields(),
            "fuse": config.fuse.result_fields(),
            "text": config.text.result_fields(),
        }
        inputs = {
            "fuse": self._jobs[scene_id, "fuse"].fingerprint,
            "student": self._jobs["student", "distill"].fingerprint,
            "label_set": self._label_set_digest(config.evaluate.label_set, "evaluate.label_set"),
            **vocabulary,
        }
        self._add(scene_id, "evaluate", values, inputs)

    def _plan_report(self, evaluated: Sequence[str]) -> None:
        inputs = {
            f"{scene_id}/{stage}": self._jobs[scene_id, stage].fingerprint
            for scene_id in evaluated
            for stage in ("oversegment", "evaluate")
        }
        self._add("report", "report", {"recipe": self._config.result_fields()}, inputs)

    def _add(self, unit_id: str, stage: str, values: Mapping[str, Any], inputs: Mapping[str, str]) -> str:
        word = stage_word(stage)
        wanted = fingerprint(word, STAGES[word].version, values, inputs)
        state, why = state_of(self._store.unit(STAGES[word].unit, unit_id), stage, wanted, values, inputs)
        self._jobs[unit_id, stage] = StageJob(unit_id, stage, wanted, values, inputs, state, why)
        return wanted

    def _lift_inputs(self) -> dict[str, dict[str, str]]:
        aliases = fingerprint("aliases", 1, load_aliases(), {})
        found = {}
        for name, teacher in self._config.teachers.items():
            files = weights_files(teacher)
            digests = {key: self._file(path, f"teachers.{name}.{key}") for key, path in files.items()}
            found[name] = {**digests, "aliases": aliases}
        return found

    def _vocabulary_inputs(self) -> dict[str, str]:
        """What the text vectors of the vocabulary depend on, apart from the encoder's configuration."""
        inputs = {
            "vocabulary": self._label_set_digest(self._config.fuse.vocabulary, "fuse.vocabulary"),
            "text": fingerprint("text", 1, self._config.text.result_fields(), {}),
            "template": fingerprint("template", 1, {"template": self._config.fuse.template}, {}),
        }
        if self._config.text.kind == "words":
            inputs["synonyms"] = fingerprint("synonyms", 1, {"groups": load_synonyms()}, {})
        else:
            for key, path in weights_files(self._config.text).items():
                inputs[f"text_{key}"] = self._file(path, f"text.{key}")
        return inputs

    def _capability_input(self) -> dict[str, str]:
        path = self._config.fuse.capability
        if path is None:
            return {}
        if not path.is_file():
            raise ConfigError(
                "no such file", file=path, field="fuse.capability", remedy="give a JSON table, or null"
            )
        return {"capability": file_digest(path, self._digests)}

    def _label_set_digest(self, name: str, field: str) -> str:
        return fingerprint(field.partition(".")[2], 1, load_label_set(name).result_fields(), {})

    def _file(self, path: Path, field: str) -> str:
        if not path.is_file():
            raise WeightsError(
                "no such file",
                file=path,
                field=field,
                remedy="give the path of a local file; nothing is downloaded",
            )
        return file_digest(path, self._digests)

    @staticmethod
    def _select(scene_ids: Sequence[str], patterns: Sequence[str], field: str) -> tuple[str, ...]:
        chosen: set[str] = set()
        for pattern in patterns:
            matched = fnmatch.filter(scene_ids, pattern)
            if not matched:
                raise ConfigError(
                    "matches no scene",
                    field=field,
                    value=pattern,
                    remedy=f"scenes are: {', '.join(scene_ids[:8])}{' ...' if len(scene_ids) > 8 else ''}",
                )
            chosen.update(matched)
        return tuple(scene_id for scene_id in scene_ids if scene_id in chosen)


def state_of(
    unit: Unit, stage: str, wanted: str, values: Mapping[str, Any], inputs: Mapping[str, str]
) -> tuple[Any, str]:
    """What the store holds of a stage, and one line about it where it is not simply done or missing."""
    marker = unit.marker(stage)
    if marker is not None and marker.state == "running" and marker.alive:
        return "running", f"by process {marker.pid} since {marker.when}"
    entry = unit.entry(stage)
    if entry is not None and entry.fingerprint == wanted:
        return "done", ""
    if marker is not None and marker.state == "failed" and marker.fingerprint == wanted:
        return "failed", marker.message
    if entry is None:
        interrupted = marker is not None and marker.state == "running"
        return "missing", "interrupted" if interrupted else ""
    return "stale", _difference(stage, entry, values, inputs)


def _difference(stage: str, entry: Any, values: Mapping[str, Any], inputs: Mapping[str, str]) -> str:
    """Which keys of the configuration or which inputs changed since an entry was made."""
    if entry.version != STAGES[stage_word(stage)].version:
        return f"made by version {entry.version} of the stage"
    before, after = _flat(entry.config), _flat(values)
    changed = [
        f"{key}: {before.get(key, 'unset')} -> {after.get(key, 'unset')}"
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]
    changed += [
        f"input {key} changed"
        for key in sorted(entry.inputs.keys() | inputs.keys())
        if entry.inputs.get(key) != inputs.get(key)
    ]
    return "; ".join(changed[:3]) + (f"; {len(changed) - 3} more" if len(changed) > 3 else "")


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat.update(_flat(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = list(value) if isinstance(value, tuple) else value
    return flat
