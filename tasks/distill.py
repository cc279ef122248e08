"""Stage distill: the training scenes' fused features teach the 3D student."""

from schema.config import PipelineConfig
from schema.stages import StageJob
from storage.writer import StageWriter
from tasks.stage import stage_task, unit_of
from training.from_store import TrainingOrder
from training.launch import train
from training.student_files import stage_student, training_folder


@stage_task
def distill(config: PipelineConfig, job: StageJob, writer: StageWriter) -> None:
    """Train, from the last checkpoint if one of this very training exists, and keep the student's files."""
    folder = training_folder(unit_of(config, job).path)
    result = train(
        TrainingOrder(
            config,
            train=tuple(job.config["train"]),
            validate=tuple(job.config["validate_on"]),
            folder=folder,
            fingerprint=job.fingerprint,
        )
    )
    for path in stage_student(folder, writer.folder):
        writer.add_file(path)
    writer.counts.update(
        steps=result.num_steps,
        scenes=len(job.config["train"]) - len(result.skipped),
        skipped_scenes=len(result.skipped),
    )
    writer.metrics.update(
        final_loss=result.final_loss, parameters=result.num_parameters, chosen_epoch=result.chosen_epoch
    )
