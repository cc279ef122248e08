"""Captioners that describe image regions in words."""
