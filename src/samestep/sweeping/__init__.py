"""Sweeps: a grid of runs, stacked in chunks, on one machine or many, stored and taken up again."""
