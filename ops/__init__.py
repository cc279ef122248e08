"""Arithmetic: pure functions on arrays."""
