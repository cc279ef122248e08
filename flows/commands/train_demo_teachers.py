"""``teach3d train-demo-teachers``: the demo's own two small 2D networks, from seeds."""

from pathlib import Path

from flows.console import RichProgress, console, print_json
from schema.config_demo import DemoTeachersConfig
from schema.progress import show_progress_on


def train_demo_teachers(*, output: Path = Path("weights/demo"), json: bool = False) -> int:
    """Train the demo's two small 2D networks on renders of procedural rooms that the demo does not use.

    They know different label sets. Nothing is done if the files are up to date.

    Args:
        output: folder for the weights and the description beside each.
        json: print what was written, with held-out accuracies, as JSON.
    """
    from training.demo_teachers import train_demo_teachers as train

    with RichProgress() as progress:
        show_progress_on(progress)
        trained = train(DemoTeachersConfig(), output)
        show_progress_on(None)
    if json:
        print_json({"files": [str(path) for path in trained]})
    else:
        for path in trained:
            console.print(f"{path}", markup=False, soft_wrap=True)
    return 0
