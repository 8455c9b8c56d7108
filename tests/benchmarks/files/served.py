"""A home site as a WSGI application; its jobs and files are a folder, named in the environment."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import include, path

from tests.integration.files.transports.server import FOLDERS, site_of, storages

folder = Path(os.environ["BENCH_FILES"])
for name in FOLDERS:
    (folder / name).mkdir(exist_ok=True)
django.setup()
settings.STORAGES = {**settings.STORAGES, **storages(folder)}

from offload.files.transports.http.views import transfer_urls  # noqa: E402

urls = type(sys)("tests.benchmarks.files.urls")
urls.urlpatterns = [path("offload/", include(transfer_urls(site_of(folder))))]  # type: ignore[attr-defined]
sys.modules[urls.__name__] = urls
settings.ROOT_URLCONF = urls.__name__
application = get_wsgi_application()
