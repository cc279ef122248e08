"""Encoders of text into the space that features live in."""
