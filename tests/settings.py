"""Settings of the tests: the site's own, with everything it writes in a folder of this run."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile

if "OFFLOAD_VAR" not in os.environ:
    folder = tempfile.mkdtemp(prefix="offload-tests-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["OFFLOAD_VAR"] = folder
# The tests start hundreds of processes: what they and these here compile is kept beside the code,
# or each would compile everything anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# Processes that share the tests out write into folders of their own.
if (process := os.environ.get("PYTEST_XDIST_WORKER")) and (
    os.path.basename(os.environ["OFFLOAD_VAR"]) != process
):
    os.environ["OFFLOAD_VAR"] = os.path.join(os.environ["OFFLOAD_VAR"], process)

from project.settings import *
from tests.databases import BESIDE, POSTGRESQL, SQLITE, is_listening, postgresql, sqlite

DEBUG = False
# Tests that are about other clusters name them.
OFFLOAD = {name: value for name, value in OFFLOAD.items() if name not in LINK}
CELERY_TASK_DEFAULT_QUEUE = "celery"
# A site's own models, with files that outputs are delivered into.
INSTALLED_APPS += ["tests.shop"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# Beside the default one: what most integration tests run on, one after the other.
DATABASES[SQLITE] = sqlite(VAR)
DATABASES[BESIDE] = sqlite(VAR, BESIDE)
if is_listening():
    DATABASES[POSTGRESQL] = postgresql()
DATABASE_ROUTERS = ["tests.databases.DatabaseRouter"]
