"""Stage distill: the training scenes' fused features teach the 3D student."""

from models.devices import choose_device
from schema.config import PipelineConfig
from schema.stages import StageJob
from storage.scene_io import fusion_space, read_fusion, read_points, read_superpoints
from storage.store import Store
from storage.writer import StageWriter
from tasks.stage import stage_task, unit_of
from training.distill import distill as train_student
from training.student_files import stage_student, training_folder
from training.targets import training_scene


@stage_task
def distill(config: PipelineConfig, job: StageJob, writer: StageWriter) -> None:
    """Train, from the last checkpoint if one of this very training exists, and keep the student's files."""
    store = Store(config.store)
    scene_ids = sorted({name.split("/")[0] for name in job.inputs})
    units = [store.scene(scene_id) for scene_id in scene_ids]
    scenes = [
        training_scene(
            unit.name,
            read_points(unit),
            read_superpoints(unit),
            read_fusion(unit),
            targets=config.distill.targets,
        )
        for unit in units
    ]
    folder = training_folder(unit_of(config, job).path)
    result = train_student(
        scenes,
        config.distill,
        folder,
        fingerprint=job.fingerprint,
        device=choose_device(config.runtime.device),
        extra={"text_space": fusion_space(units[0])},
    )
    for path in stage_student(folder, writer.folder):
        writer.add_file(path)
    writer.counts.update(steps=result.num_steps, scenes=len(scenes), skipped_scenes=len(result.skipped))
    writer.metrics.update(final_loss=result.final_loss, parameters=result.num_parameters)
