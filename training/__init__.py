"""Loops: stateful optimisation of a student and its evaluation."""
