"""Settings of a site whose admin has another theme, named by a variable."""

from __future__ import annotations

import os

from project.settings import *

INSTALLED_APPS = [*os.environ["ACCEPTANCE_THEME"].split(), *INSTALLED_APPS]
# The themes have styles and scripts in their pages.
MIDDLEWARE = [name for name in MIDDLEWARE if not name.startswith("project.csp")]
# They fetch nothing from elsewhere.
JAZZMIN_SETTINGS = {"use_google_fonts_cdn": False}
JAZZMIN_UI_TWEAKS = {"default_theme_mode": "auto"}
