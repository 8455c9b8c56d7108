"""Pages of the admin, and what they answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.admin.utils import quote
from django.contrib.messages import get_messages
from django.urls import reverse

from tests.integration.world import HERE, TOPIC

if TYPE_CHECKING:
    from django.db.models import Model
    from django.test import Client


ADD_RULE = reverse("admin:offload_rule_add")
RULES = reverse("admin:offload_rule_changelist")
RULE = {"verb": "deny", "scope": "instance", "target": HERE, "pattern": TOPIC, "note": ""}
ADD_QUEUE = reverse("admin:offload_queue_add")
QUEUE = {
    "name": "narrow",
    "topics": "dam/**",
    "ranking": "0",
    "type": "unordered",
    "max_parallel": "",
    "max_per_instance": "",
    "max_per_host": "",
    "key": "",
    "max_per_key": "",
    "weights": "",
    "rate": "",
    "burst": "",
    "windows": "",
    "time_zone": "",
    "ageing": "",
    "cluster_order": "local_first",
    "retries": "10",
    "retry_delay": "2",
    "backoff": "1",
    "retry_on": "",
    "no_retry_on": "",
    "rerun": "on",
    "rescue": "anywhere",
    "rescue_seconds": "300",
    "retention_days": "",
}


def address(row: Model, name: str) -> str:
    """Return an address of a row."""
    return reverse(f"admin:offload_{row._meta.model_name}_{name}", args=[quote(row.pk)])


def errors(answer: Any) -> str:
    """Return the errors of a form, which must have been refused."""
    assert answer.status_code == 200
    form: Any = answer.context["adminform"].form
    return " ".join(str(one) for found in form.errors.values() for one in found)


def told(answer: Any) -> str:
    """Return the messages of a change, which must have been made."""
    assert answer.status_code == 302
    return " ".join(str(one) for one in get_messages(answer.wsgi_request))


def press(client: Client, at: str, action: str, *rows: Model) -> Any:
    """Run an action on rows of a list."""
    data = {"action": action, "_selected_action": [row.pk for row in rows]}
    return client.post(at, data)
