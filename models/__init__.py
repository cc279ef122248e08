"""Weights: everything with parameters, behind small protocols and a literal catalog."""
