"""The commands of ``teach3d``, one module each, imported only when called."""
