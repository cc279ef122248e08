"""Stage lift: one teacher looks at every frame, its features or captions land on the scene's points."""

from models.cache import load_captioner, load_teacher, load_text
from models.devices import choose_device
from models.teachers.protocol import DenseTeacher
from ops.lift import lift_dense, lift_masks
from ops.teacher_previews import PreviewRecorder
from schema.config import PipelineConfig
from schema.spaces import check_same_space
from schema.stages import StageJob
from storage.label_sets import load_aliases, load_label_set, load_synonyms
from storage.rendered import open_capture
from storage.scene_io import read_points, read_preview_table, write_dense_lift, write_mask_lift
from storage.writer import StageWriter
from tasks.stage import stage_task, unit_of


@stage_task
def lift(config: PipelineConfig, job: StageJob, writer: StageWriter) -> None:
    """Run one teacher over the frames and accumulate what the points see."""
    unit = unit_of(config, job)
    name = job.stage.partition("/")[2]
    teacher_config = config.teachers[name]
    teacher = load_teacher(
        teacher_config, aliases=load_aliases(), device=choose_device(config.runtime.device)
    )
    points_world = read_points(unit)
    recorder = PreviewRecorder(*read_preview_table(unit))
    views = recorder.watch(open_capture(config.source, unit).views())
    if isinstance(teacher, DenseTeacher):
        text = load_text(config.text, synonyms=load_synonyms())
        vocabulary = load_label_set(config.fuse.vocabulary)
        check_same_space(name, teacher.text_space, text.space)
        embedding = text.encode(vocabulary.texts(config.fuse.template))
        dense = lift_dense(
            views,
            recorder.dense(teacher.encode, embedding),
            points_world,
            config=config.lift,
            channels=teacher.channels,
        )
        write_dense_lift(writer, dense, recorder.labels(), vocabulary.names, text_space=teacher.text_space)
    else:
        captioner = load_captioner(getattr(teacher_config, "captioner", "none"))
        masks = lift_masks(
            views, recorder.masks(teacher.segment), captioner.caption, points_world, config=config.lift
        )
        write_mask_lift(writer, masks, recorder.labels(), recorder.names())
