"""The report as one HTML file that asks nobody for anything: `write_report`."""

from o2c_twin.reports.html.page import ReportSection, report_html, write_report

__all__ = ["ReportSection", "report_html", "write_report"]
