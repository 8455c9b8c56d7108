"""How the documentation is built: `make docs`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
django.setup()

project = "offload"
extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["images"]
html_theme = "furo"
html_title = "offload"
templates_path: list[str] = []

autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_typehints = "signature"
autodoc_preserve_defaults = True

#: Headings have anchors, so that pages link to each other's parts.
myst_heading_anchors = 3
# Pages link to files of the repository, which are no pages of the documentation; Pygments knows no
# Mermaid, and takes a quoted program in a terminal for an error.
suppress_warnings = ["myst.xref_missing", "misc.highlighting_failure"]
