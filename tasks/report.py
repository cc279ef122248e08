"""Stage report: everything in the store becomes one page that opens without a network."""

from models.cache import load_text
from report.build import build_report, report_files
from schema.config import PipelineConfig
from schema.stages import StageJob
from storage.label_sets import load_synonyms
from storage.store import Store
from storage.summary import read_summary
from storage.writer import StageWriter
from tasks.stage import stage_task


@stage_task
def report(config: PipelineConfig, job: StageJob, writer: StageWriter) -> None:
    """Draw every scene that has been evaluated."""
    store = Store(config.store)
    scene_ids = sorted({name.split("/")[0] for name in job.inputs})
    text = load_text(config.text, synonyms=load_synonyms())
    index = build_report(store, scene_ids, config=config, summary=read_summary(store), encode=text.encode)
    for path in report_files(index):
        writer.add_file(path)
    writer.counts.update(scenes=len(scene_ids))
