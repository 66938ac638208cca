"""The demonstration on photographs: filters by regularised score matching, and a denoiser from a learned score."""

from smgen.demo.requirements import DemoUnavailable
from smgen.demo.results import Results, report
from smgen.demo.run import run

__all__ = ["DemoUnavailable", "Results", "report", "run"]
