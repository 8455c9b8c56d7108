"""Changes of rules in another cluster: asked for, and taken back (P13)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from offload.conf import peers, settings
from offload.core.exceptions import NotLetToRule, UnknownPeer
from offload.core.peers.rule_requests import RequestState, cluster_and_node
from offload.core.placement.judgement import noted
from offload.core.placement.topology import Scope
from offload.core.topics import Pattern
from offload.fleet.snapshots import now
from offload.models import Peer, Switch
from offload.models.change_records import SubjectKind
from offload.operations.changes import wording
from offload.operations.changes.change import Change
from offload.operations.changes.change_outcomes import Outcome
from offload.operations.changes.recording import ACTOR_MAX
from offload.peers.requests import asking
from offload.peers.requests.request_ends import sentence, wish
from offload.rules.validation import check, check_end, check_target, check_texts

if TYPE_CHECKING:
    from datetime import datetime

    from offload.core.peers.rule_requests import RequestAction
    from offload.models import PeerRequest
    from offload.operations.changes.actors import Actor

#: The name of the person in a preview.
NOBODY = "nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedOutcome(Outcome):
    """The request, and the older ones that it replaced."""

    request: PeerRequest
    replaced: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AskPeer(Change[AskedOutcome]):
    """Ask another cluster to change the rules of its instance.

    Raises UnknownPeer for a cluster that the settings do not name, NotLetToRule for one that says
    that it would refuse, InvalidPattern and InvalidRule as for a change here.
    """

    #: As ``render/gpu1@host``.
    instance: str
    action: RequestAction
    patterns: tuple[str, ...] = ()
    until: datetime | None = None
    note: str | None = None

    def make(self, by: Actor | None) -> AskedOutcome:
        """Store the request; it is sent after the commit."""
        peer, node = cluster_and_node(self.instance)
        self._check(peer, node)
        expires = now() + timedelta(seconds=settings().request_timeout)
        made, replaced = asking.store(
            self.action,
            peer,
            node,
            [Pattern.parse(one).text for one in self.patterns],
            until=self.until,
            note=self.note or "",
            by=(by.name if by else NOBODY)[:ACTOR_MAX],
            expires_at=min(expires, self.until) if self.until else expires,
        )
        return AskedOutcome(
            action=f"ask {self.action}",
            sentence=self._sentence(made, replaced),
            about=((SubjectKind.INSTANCE, self.instance),),
            rows=list(Peer.objects.filter(pk=peer)),
            asked=peer,
            request=made,
            replaced=replaced,
        )

    def _check(self, peer: str, node: str) -> None:
        """Raise the error of a change that the other cluster would refuse."""
        known = peers().by_name
        if peer not in known:
            raise UnknownPeer(name=peer, known=known)
        check_texts(self.instance, node)
        if self.action.is_switch:
            check(Switch(instance=node, note=self.note or ""), self.instance)
        else:
            texts = [Pattern.parse(one).text for one in self.patterns]
            check_target(node, Scope.INSTANCE, texts)
            check(Switch(instance=node, note=self.note or ""), self.instance)
            check_end(self.until, self.instance)
        if not asking.lets_rule(peer):
            raise NotLetToRule(peer=peer)

    def _sentence(self, made: PeerRequest, replaced: tuple[int, ...]) -> str:
        facts = {"peer": made.peer, "wish": wish(made), "end": wording.moment(made.expires_at)}
        until = f" until {wording.moment(self.until)}" if self.until else ""
        text = _("Asked %(peer)s: %(wish)s") % facts + until
        said = [noted(text, self.note or ""), _("It is requested until %(end)s.") % facts]
        if replaced:
            numbers = ", ".join(map(str, replaced))
            said.append(_("It replaces what was not sent: %(numbers)s.") % {"numbers": numbers})
        return " ".join(said)


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawRequest(Change[AskedOutcome]):
    """Take a request back, unless it was applied; raises UnknownRequest if it is not open."""

    number: int

    def make(self, by: Actor | None) -> AskedOutcome:
        """End a request that was never sent; ask the other cluster not to apply any other."""
        row = asking.withdraw(self.number, (by.name if by else NOBODY)[:ACTOR_MAX])
        facts = {"number": row.pk, "peer": row.peer, "wish": wish(row)}
        text = _("Request %(number)s is taken back once %(peer)s says so: %(wish)s.")
        is_open = row.state == RequestState.REQUESTED
        return AskedOutcome(
            action="withdraw",
            sentence=text % facts if is_open else sentence(row),
            about=((SubjectKind.INSTANCE, row.full_name),),
            rows=list(Peer.objects.filter(pk=row.peer)),
            asked=row.peer,
            request=row,
        )
