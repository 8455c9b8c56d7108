"""A site whose admin has another theme: a program that serves it until its input ends.

It prints where it listens, the cookie of somebody who may do everything, and its pages.
"""

from __future__ import annotations

import json
import sys

import django

if __name__ == "__main__":
    django.setup()

    from django.conf import settings
    from django.contrib.auth.models import User
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.core.management import call_command
    from django.test import Client
    from django.test.testcases import LiveServerThread

    from tests.acceptance.browser.pages import addresses, make_cluster, stock_addresses

    call_command("migrate", verbosity=0)
    make_cluster()
    client = Client()
    client.force_login(User.objects.create_superuser("admin"))
    server = LiveServerThread("127.0.0.1", StaticFilesHandler)
    server.daemon = True
    server.start()
    server.is_ready.wait()
    browser = addresses()
    told = {
        "url": f"http://127.0.0.1:{server.port}",
        "cookie": client.cookies[settings.SESSION_COOKIE_NAME].value,
        "browser": browser,
        "pages": [*browser, *stock_addresses()],
    }
    sys.stdout.write(f"{json.dumps(told)}\n")
    sys.stdout.flush()
    sys.stdin.read()
