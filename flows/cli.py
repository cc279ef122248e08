"""The ``teach3d`` command: its list of commands, and how errors become one line and an exit code.

What a command does is in ``flows/commands``, imported only when it is called.
"""

import json
import sys
from collections.abc import Sequence

from cyclopts import App, Parameter

from schema.errors import Teach3dError

HELP = """Teach a 3D network from 2D ones, then ask any point cloud in words.

A recipe (YAML) says where posed images come from, which 2D models look at
them, and how a 3D student learns from what they saw. Everything computed
goes into a store; running again computes only what is missing.

First steps:

  teach3d run configs/default.yaml         compute; names the report to open
  teach3d status                        done, stale (and why), missing
  teach3d query room_100000 "a red chair"  best points; writes a coloured PLY
  teach3d view room_100000                 ask in the browser
  teach3d predict my_scan.ply           label any cloud, no images needed
  teach3d doctor                        what is installed, what is missing

Exit codes: 0 done; 2 the input or the recipe is wrong (one line says what
to do); 1 anything else.
"""

COMMANDS = {
    "run": ("flows.commands.run:run", "Compute everything a recipe asks for and the store does not hold."),
    "status": ("flows.commands.status:status", "Which stage of which scene is done, stale (why), missing."),
    "inspect": (
        "flows.commands.inspect:inspect",
        "Every cached array of a scene, with statistics and pictures.",
    ),
    "query": ("flows.commands.query:query", "Score a scene's points by a text; write them as PLY."),
    "view": ("flows.commands.view:view", "Ask a scene in the browser (this machine only)."),
    "export": ("flows.commands.export:export", "Write a scene as ply, npz or las."),
    "predict": (
        "flows.commands.predict:predict",
        "Label or score any bare cloud or mesh with a student; no images.",
    ),
    "import-checkpoint": (
        "flows.commands.import_checkpoint:import_checkpoint",
        "Turn an OpenScene or SAS checkpoint into a student.",
    ),
    "verify": ("flows.commands.verify:verify", "Read every chunk again and compare its checksum."),
    "doctor": ("flows.commands.doctor:doctor", "Versions, devices, optional parts and how to get them."),
    "train-scale-models": (
        "flows.commands.train_scale_models:train_scale_models",
        "Make the small models of the default recipe again, from procedural rooms.",
    ),
}

app = App(
    name="teach3d",
    help=HELP,
    help_format="plaintext",
    version_flags=["--version"],
    default_parameter=Parameter(negative=()),
)
for _name, (_path, _summary) in COMMANDS.items():
    app.command(_path, name=_name, help=_summary)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; what a user can mend ends as one line on standard error and exit code 2."""
    tokens = list(sys.argv[1:] if arguments is None else arguments)
    try:
        result = app(tokens, result_action="return_value")
    except Teach3dError as error:
        if "--json" in tokens:
            sys.stdout.write(json.dumps({"error": str(error)}) + "\n")
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.stderr.write("stopped; what is finished is kept, run again to go on\n")
        sys.exit(130)
    sys.exit(result if isinstance(result, int) else 0)
