"""``python -m flows``: the ``teach3d`` command without its script; what it does is in ``flows.cli``."""

from flows.cli import main

if __name__ == "__main__":
    main()
