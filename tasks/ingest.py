"""Stage ingest: a capture's frames become a point cloud with a table of usable frames."""

from ops.previews import PreviewPicker
from ops.scene_cloud import scene_cloud
from schema.config import PipelineConfig
from schema.stages import StageJob
from storage.rendered import open_capture
from storage.scene_io import write_capture
from storage.writer import StageWriter
from tasks.stage import stage_task, unit_of


@stage_task
def ingest(config: PipelineConfig, job: StageJob, writer: StageWriter) -> None:
    """Read every frame once; fuse the depths unless the source has a surface; keep a few small pictures."""
    capture = open_capture(config.source, unit_of(config, job))
    picker = PreviewPicker(len(capture.frames.names), config.ingest.num_previews)
    views = picker.watch(capture.views())
    cloud = scene_cloud(capture.geometry(), views, config.ingest, num_views=len(capture.frames.names))
    write_capture(writer, capture, cloud, (picker.color(), picker.frames))
