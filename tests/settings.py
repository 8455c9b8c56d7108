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

from project.settings import *

DEBUG = False
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
