"""Pages about models: one HTML file each."""

from __future__ import annotations

from smgen.pages.report import page, report

__all__ = ["page", "report"]
