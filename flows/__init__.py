"""Wiring: which scenes, which stages, in what order, on which runner; the command line lives here."""
