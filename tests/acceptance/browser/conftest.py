"""Fixtures of these tests."""

from __future__ import annotations

from tests.acceptance.browser.pages import chromium, cluster, context, page

__all__ = ["chromium", "cluster", "context", "page"]
