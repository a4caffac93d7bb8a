"""The report: one HTML file that needs no other, from what the folder of a run holds."""

from samestep.report.page import render_report, write_report

__all__ = ["render_report", "write_report"]
