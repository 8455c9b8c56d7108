"""Django's entry to offload."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class OffloadConfig(AppConfig):
    """Register models, checks and receivers; touch neither database nor broker."""

    name = "offload"
    label = "offload"
    verbose_name = _("Offloading")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect checks and receivers, and hook a Celery app that was made before."""
        from offload import checks, log  # noqa: F401
        from offload.launchers import declared_launchers, saved_fields
        from offload.models import versions
        from offload.peers import prompt
        from offload.queues import declared, declared_resources
        from offload.worker.install import complete
        from offload.worker.parent import missing

        versions.connect()
        # Resources first: queues use them.
        after = declared_resources.after_migrate
        post_migrate.connect(after, sender=self, dispatch_uid="offload.resources")
        post_migrate.connect(declared.after_migrate, sender=self, dispatch_uid="offload.declared")
        prompt.connect()
        after = declared_launchers.after_migrate
        post_migrate.connect(after, sender=self, dispatch_uid="offload.launchers")
        saved_fields.connect()
        complete()
        missing.watch()
