"""Settings of the tests: the site's own, with everything it writes in a folder of this run."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

if "OFFLOAD_VAR" not in os.environ:
    folder = tempfile.mkdtemp(prefix="offload-tests-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["OFFLOAD_VAR"] = folder
# Processes that share the tests out write into folders of their own.
if (process := os.environ.get("PYTEST_XDIST_WORKER")) and (
    os.path.basename(os.environ["OFFLOAD_VAR"]) != process
):
    os.environ["OFFLOAD_VAR"] = os.path.join(os.environ["OFFLOAD_VAR"], process)

from project.settings import *
from tests.databases import POSTGRESQL, SQLITE, is_listening, postgresql, sqlite

DEBUG = False
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# Beside the default one: what the tests of the engine run on, one after the other.
DATABASES[SQLITE] = sqlite(VAR)
if is_listening():
    DATABASES[POSTGRESQL] = postgresql()
DATABASE_ROUTERS = ["tests.databases.EngineRouter"]
