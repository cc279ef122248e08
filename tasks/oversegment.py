"""Stage oversegment: points become superpoints."""

from ops.oversegment import oversegment as oversegment_cloud
from schema.config import PipelineConfig
from schema.stages import StageJob
from storage.scene_io import read_cloud, write_superpoints
from storage.writer import StageWriter
from tasks.stage import stage_task, unit_of


@stage_task
def oversegment(config: PipelineConfig, job: StageJob, writer: StageWriter) -> None:
    """Segment the cloud's graph by its normals."""
    cloud = read_cloud(unit_of(config, job))
    write_superpoints(writer, oversegment_cloud(cloud, config.oversegment))
