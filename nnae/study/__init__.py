"""Questionnaires that ask people whether the tree of labels helps, and what they answered."""

from nnae.study._analysis import analyse_study
from nnae.study._page import reader_study
from nnae.study._power import power_study
from nnae.study._report import StudyReport

__all__ = ["StudyReport", "analyse_study", "power_study", "reader_study"]
