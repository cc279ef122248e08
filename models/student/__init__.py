"""The 3D network that is distilled."""
