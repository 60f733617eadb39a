"""Simple learners foresee the model's decisions, with and without the tree of labels."""

from nnae.simulate._report import SimulationReport
from nnae.simulate._simulation import simulate_reader

__all__ = ["SimulationReport", "simulate_reader"]
