"""An answer as a file to keep or to send: HTML, Markdown or CSV, each complete in itself."""

from whichgpu.reporting.write import FORMATS, report, write

__all__ = ["FORMATS", "report", "write"]
