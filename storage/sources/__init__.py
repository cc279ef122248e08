"""Readers of raw captures."""
