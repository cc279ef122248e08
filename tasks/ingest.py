"""Stage ingest: a capture's frames become a point cloud with a table of usable frames."""

from ops.previews import PreviewPicker
from ops.tsdf import fuse_tsdf
from schema.config import PipelineConfig
from schema.stages import StageJob
from storage.scene_io import write_capture
from storage.sources.catalog import open_source
from storage.writer import StageWriter
from tasks.stage import stage_task


@stage_task
def ingest(config: PipelineConfig, job: StageJob, writer: StageWriter) -> None:
    """Read every frame once; fuse the depths; keep a few small pictures."""
    capture = open_source(config.source).open(job.unit)
    picker = PreviewPicker(len(capture.frames.names), config.ingest.num_previews)
    cloud = fuse_tsdf(picker.watch(capture.views()), config.ingest, num_views=len(capture.frames.names))
    write_capture(writer, capture, cloud, (picker.color(), picker.frames))
