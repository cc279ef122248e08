"""Segmenters: an image and points in it to the mask of what lies there."""
