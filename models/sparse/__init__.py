"""Engines for sparse convolution."""
