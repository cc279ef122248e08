"""Stage render: geometry without images is looked at by virtual cameras."""

from ops.virtual_views import virtual_views
from schema.config import PipelineConfig
from schema.stages import StageJob
from storage.rendered import write_views
from storage.sources.catalog import open_source
from storage.writer import StageWriter
from tasks.stage import stage_task


@stage_task
def render(config: PipelineConfig, job: StageJob, writer: StageWriter) -> None:
    """Place cameras that cover the surface and render what they see."""
    geometry = open_source(config.source).open(job.unit).geometry()
    write_views(writer, virtual_views(geometry, config.render))
