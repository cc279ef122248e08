"""Stage evaluate: the student answers for every point; all rows are compared, with truth if there is any."""

from models.cache import load_text
from models.devices import choose_device
from schema.config import PipelineConfig
from schema.spaces import check_same_space
from schema.stages import StageJob
from storage.capability import read_capability
from storage.label_sets import load_label_set, load_synonyms
from storage.scene_io import fusion_space, read_fusion, read_points, write_evaluation
from storage.store import Store
from storage.truth import read_truth
from storage.writer import StageWriter
from tasks.lifted import lifted_features
from tasks.stage import stage_task, unit_of
from training.evaluate import EvaluationInputs, evaluate_scene
from training.infer import load_student
from training.protocols import protocol_features, protocol_words


@stage_task
def evaluate(config: PipelineConfig, job: StageJob, writer: StageWriter) -> None:
    """Run the student on the bare points and judge it beside everything it was made from."""
    unit = unit_of(config, job)
    points_world = read_points(unit)
    text = load_text(config.text, synonyms=load_synonyms())
    device = choose_device(config.runtime.device)
    student = load_student(Store(config.store).student().path, device, engine=config.runtime.engine)
    check_same_space("the fused features", fusion_space(unit), text.space)
    label_set = load_label_set(config.evaluate.label_set)
    vocabulary = load_label_set(config.fuse.vocabulary)
    lifted = lifted_features(unit, tuple(config.teachers), text)
    fused, fused_seen = read_fusion(unit)
    student_feat = protocol_features(
        student,
        points_world,
        config.evaluate,
        scene_id=job.unit,
        voxel_m=config.distill.voxel_m,
        device=device,
        max_voxels=config.runtime.max_voxels,
    )
    evaluation = evaluate_scene(
        EvaluationInputs(
            teacher_names=tuple(config.teachers),
            teacher_features=lifted.features,
            seen=lifted.seen,
            fused=fused,
            fused_seen=fused_seen,
            student=student_feat,
            capability=read_capability(config.fuse.capability, tuple(config.teachers), vocabulary),
            truth=read_truth(config.source, job.unit, points_world),
        ),
        text=text.encode(label_set.texts(config.evaluate.template)),
        vocabulary_text=text.encode(vocabulary.texts(config.fuse.template)),
        label_set=label_set,
        vocabulary=vocabulary,
        fuse_config=config.fuse,
        config=config.evaluate,
    )
    write_evaluation(writer, evaluation, student_feat, label_set=label_set, space=text.space)
    writer.attrs["protocol"] = protocol_words(config.evaluate)
