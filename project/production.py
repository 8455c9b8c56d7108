"""Settings of the sample site behind TLS: every value comes from the environment.

The site refuses to start without SECRET_KEY, ALLOWED_HOSTS, OFFLOAD_DATABASE and OFFLOAD_BROKER.
"""

from __future__ import annotations

from project.environment import required

for name in ("SECRET_KEY", "ALLOWED_HOSTS", "OFFLOAD_DATABASE", "OFFLOAD_BROKER"):
    required(name)

from project.settings import *

ALLOWED_HOSTS = required("ALLOWED_HOSTS").split(",")
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS]
DEBUG = False
# One site by itself; two-sites.md says how to name others.
OFFLOAD = {name: value for name, value in OFFLOAD.items() if name not in LINK}

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = True
SECURE_HSTS_SECONDS = 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
