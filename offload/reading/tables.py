"""How many rows each table of the app has, and which of them duties should have emptied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.apps import apps

from offload.models import (
    AnsweredRequest,
    ClosedBinding,
    DyingFile,
    News,
    PeerRequest,
    SeenMessage,
    WithdrawnBinding,
)

if TYPE_CHECKING:
    from django.db.models import Model

#: Rows of a table that are counted; a larger one has more than these.
COUNTED_MAX = 200_000
#: Tables whose rows wait for an answer, or are remembered for a while; duties delete them.
PASSING: frozenset[type[Model]] = frozenset(
    {
        AnsweredRequest,
        ClosedBinding,
        DyingFile,
        News,
        PeerRequest,
        SeenMessage,
        WithdrawnBinding,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSize:
    """The number of rows of a table."""

    #: Its rows, in the plural.
    name: str
    #: At most COUNTED_MAX, however many there are.
    rows: int
    #: Whether there are more than these.
    has_more: bool
    #: Whether duties should have deleted most of them.
    is_overfull: bool

    def __str__(self) -> str:
        """Return name and number."""
        return f"{self.name} {'more than ' if self.has_more else ''}{self.rows:,}"


def sizes() -> tuple[TableSize, ...]:
    """Return the size of every table of the app that has rows, the largest first."""
    found = (_size(one) for one in apps.get_app_config("offload").get_models())
    return tuple(sorted((one for one in found if one.rows), key=lambda one: (-one.rows, one.name)))


def _size(model: type[Model]) -> TableSize:
    # A large table is not counted to its end.
    rows = model._default_manager.order_by()[: COUNTED_MAX + 1].count()
    return TableSize(
        name=str(model._meta.verbose_name_plural),
        rows=min(rows, COUNTED_MAX),
        has_more=rows > COUNTED_MAX,
        is_overfull=rows > COUNTED_MAX and model in PASSING,
    )
