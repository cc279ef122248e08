"""Bytes: the only room that touches disk."""
