"""A site whose workers the acceptance tests start, kill and watch."""

from __future__ import annotations

import os
from importlib import import_module

# As the root of a project does; without, only what `celery -A` names imports it.
if os.environ.get("ACCEPTANCE_ROOT"):
    import_module("tests.acceptance.site.celery")
