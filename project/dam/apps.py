"""Django's entry to the assets."""

from __future__ import annotations

from django.apps import AppConfig


class DamConfig(AppConfig):
    """The app whose consumers work on images."""

    name = "project.dam"
    verbose_name = "Assets"
