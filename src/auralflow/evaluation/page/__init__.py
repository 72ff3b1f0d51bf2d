"""`report.html`: one file with everything in it, that asks nobody for anything."""

from auralflow.evaluation.page.page import MAX_BYTES, write_page

__all__ = ["MAX_BYTES", "write_page"]
