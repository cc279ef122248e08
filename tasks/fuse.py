"""Stage fuse: several teachers' lifted features become one feature per point."""

from models.cache import load_text
from ops.fuse import fuse as fuse_features
from ops.pool import superpoint_mean
from schema.config import PipelineConfig
from schema.stages import StageJob
from storage.capability import read_capability
from storage.label_sets import load_label_set, load_synonyms
from storage.scene_io import read_superpoints, write_fusion
from storage.writer import StageWriter
from tasks.lifted import lifted_features
from tasks.stage import stage_task, unit_of


@stage_task
def fuse(config: PipelineConfig, job: StageJob, writer: StageWriter) -> None:
    """Weigh the teachers per point by what they are good at; average over superpoints what came out."""
    unit = unit_of(config, job)
    text = load_text(config.text, synonyms=load_synonyms())
    vocabulary = load_label_set(config.fuse.vocabulary)
    lifted = lifted_features(unit, tuple(config.teachers), text)
    fusion = fuse_features(
        lifted.features,
        lifted.seen,
        text=text.encode(vocabulary.texts(config.fuse.template)),
        capability=read_capability(config.fuse.capability, tuple(config.teachers), vocabulary),
        config=config.fuse,
        other_index=vocabulary.other_index,
    )
    superpoint_id = read_superpoints(unit)
    write_fusion(
        writer,
        fusion,
        superpoint_mean(fusion.feat, fusion.seen, superpoint_id),
        teachers=tuple(config.teachers),
        vocabulary=vocabulary,
        space=text.space,
        strategy=config.fuse.strategy,
    )
