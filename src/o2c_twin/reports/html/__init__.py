"""The report as one HTML file that asks nobody for anything: `write_report`."""

from o2c_twin.reports.html.page import ReportSection, SectionGroup, report_html, write_report
from o2c_twin.reports.html.roi_section import roi_section

__all__ = ["ReportSection", "SectionGroup", "report_html", "roi_section", "write_report"]
