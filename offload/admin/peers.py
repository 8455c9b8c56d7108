"""Viewers of other clusters' rows."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from offload.admin.viewers import Internal
from offload.models import (
    AnsweredRequest,
    ClosedBinding,
    LinkSwitch,
    News,
    Peer,
    PeerRefusal,
    PeerRequest,
    SeenMessage,
    WithdrawnBinding,
)


@admin.register(Peer)
class PeerAdmin(Internal):
    """Other clusters as they announced themselves."""

    about = _("Other clusters as they announced themselves.")
    list_display = ("name", "heard_at", "silent_since", "protocol", "key_id")


@admin.register(PeerRefusal)
class PeerRefusalAdmin(Internal):
    """Messages in other clusters' names that were refused."""

    about = _("How often messages in other clusters' names were refused, and why.")
    list_display = ("peer", "kind", "count", "last_at", "detail")
    list_filter = ("kind",)


@admin.register(SeenMessage)
class SeenMessageAdmin(Internal):
    """Messages that were taken, by their nonces."""

    about = _("Messages of other clusters that were taken, until a copy would be too old.")
    list_display = ("peer", "nonce", "seen_at")


@admin.register(WithdrawnBinding)
class WithdrawnBindingAdmin(Internal):
    """Bindings that were taken back from other clusters."""

    about = _("Bindings that were taken back from other clusters, until those acknowledge it.")
    list_display = ("job_id", "peer", "epoch", "stops_runs", "is_forced", "due_at")
    search_fields = ("job_id__exact",)


@admin.register(News)
class NewsAdmin(Internal):
    """Reports about the jobs of other clusters."""

    about = _("How much was reported of each job that runs here for another cluster.")
    list_display = ("job_id", "home", "epoch", "number", "reported", "reason", "due_at")
    search_fields = ("job_id__exact",)


@admin.register(ClosedBinding)
class ClosedBindingAdmin(Internal):
    """Bindings of other clusters' jobs that were refused or withdrawn."""

    about = _("Bindings of other clusters' jobs that may never begin here.")
    list_display = ("job_id", "home", "epoch", "since")
    search_fields = ("job_id__exact",)


@admin.register(LinkSwitch)
class LinkSwitchAdmin(Internal):
    """Switches of other clusters; they are set by the command and the browser."""

    about = _("Switches of what goes to other clusters and comes from them, as people set them.")
    list_display = ("peer", "switch", "is_on", "since", "by", "note")


@admin.register(PeerRequest)
class PeerRequestAdmin(Internal):
    """Requests to other clusters; the command and the browser make them."""

    about = _("Changes of rules that other clusters were asked for, and what came of them.")
    list_display = ("id", "peer", "instance", "action", "state", "by", "asked_at", "answered_at")
    list_filter = ("state",)


@admin.register(AnsweredRequest)
class AnsweredRequestAdmin(Internal):
    """Requests of other clusters, and the verdicts on them."""

    about = _("Changes of rules that other clusters asked for, and the verdicts on them.")
    list_display = ("home", "number", "outcome", "refusal", "answered_at", "detail")
