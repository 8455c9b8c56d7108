"""System checks: what is wrong with a site's settings, each with an id and a hint to paste.

They read settings only; the broker and the database are looked at by ``manage.py offload doctor``.
"""

from __future__ import annotations

from django.core.checks import register

from offload.checks import databases, machine, options, pages, queues, transport

TAG = "offload"

for module in (machine, options, queues, databases, transport, pages):
    register(module.check, TAG)
