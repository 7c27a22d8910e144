"""The report: all that was found in one photo as a single HTML file that opens anywhere and fetches nothing."""

from segdemo.results.report.asked import ReportOptions, report_options
from segdemo.results.report.make import MOST_BYTES, report

SCRIPTS = ("report.js",)
"""What the file runs after the page's viewer and controls."""

__all__ = ["MOST_BYTES", "SCRIPTS", "ReportOptions", "report", "report_options"]
