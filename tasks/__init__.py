"""Stages: one file each; read, one call, commit, return a reference."""
