"""Where tasks run; the only module that names Dask. What runs is the pipeline's business."""

from typing import Any

from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from schema.config import RuntimeConfig


def task_runner(runtime: RuntimeConfig) -> TaskRunner[Any]:
    """The runner a configuration asks for: threads of this process, or one Dask process a worker."""
    if runtime.runner == "threads":
        return ThreadPoolTaskRunner(max_workers=runtime.workers)
    from prefect_dask import DaskTaskRunner

    return DaskTaskRunner(
        cluster_kwargs={
            "n_workers": runtime.workers,
            "threads_per_worker": 1,
            "processes": True,
            "dashboard_address": None,
            "host": "127.0.0.1",
            "memory_limit": 0,  # a stage may need most of the machine; Dask would kill it at 1/n
        }
    )
