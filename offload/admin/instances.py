"""Instances in the admin: their list, the page of each, the matrix, and the switches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin

from offload.admin.base import Paged
from offload.admin.change_history import HistoryAdmin
from offload.browser.cluster import instance_views, peer_views, views
from offload.conf import peers
from offload.core.peers.rule_requests import cluster_and_node
from offload.models import Instance
from offload.models.change_records import SubjectKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from django.http import HttpRequest, HttpResponse, HttpResponseBase


@admin.register(Instance)
class InstanceAdmin(HistoryAdmin, Paged):
    """Worker nodes; the list is a live page."""

    def pages(self) -> Sequence[tuple[str, str, Callable[..., HttpResponseBase]]]:
        """Return the pages: the matrix and the instances as fragments, and the actions on them."""
        return (
            ("matrix/", "matrix", views.matrix_now),
            ("fleet/", "fleet", views.fleet_now),
            ("desired/", "desired", views.desired),
            ("link/", "link", peer_views.switch),
            ("ask/", "ask", peer_views.ask),
            ("withdraw/", "withdraw", peer_views.withdraw),
            ("<path:quoted>/now/", "now", instance_views.now),
            ("<path:quoted>/switch/", "switch", instance_views.switch),
            ("<path:quoted>/ask/", "request", instance_views.ask),
        )

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Return the page of instances."""
        request.current_app = self.admin_site.name
        return views.instances(request, self.admin_site.each_context(request))

    def page(self, request: HttpRequest, quoted: str, around: Mapping[str, Any]) -> HttpResponse:
        """Return the page of an instance."""
        return instance_views.page(request, quoted, around)

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Instance | None:
        """Return the row of an instance; one of another cluster has none, but a history."""
        if cluster_and_node(object_id)[0] in peers().by_name:
            return Instance(name=object_id)
        found: Instance | None = super().get_object(request, object_id, from_field)
        return found

    def subject(self, row: Instance) -> tuple[str, str]:
        """Return the instance's name."""
        return SubjectKind.INSTANCE, row.name
