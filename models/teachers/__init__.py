"""Frozen 2D networks that label or describe images."""
