"""Pages of long tables that never count all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.paginator import Paginator
from django.utils.functional import cached_property

if TYPE_CHECKING:
    Base = Paginator[Any]
else:
    Base = Paginator

#: Rows that are counted and paged through; filters and search reach the others.
COUNTED_ROWS_MAX = 10_000


class AtLeast(int):
    """A number that says of itself, wherever it is shown, that there are more."""

    def __str__(self) -> str:
        """Return the number with a plus."""
        return f"{int(self)}+"

    @classmethod
    def counted(cls, count: int, most: int) -> int:
        """Return a count that looked for no more than one beyond the most."""
        return cls(most) if count > most else count


class CappedPaginator(Base):
    """A paginator that costs the same however long the table is."""

    @cached_property
    def count(self) -> int:
        """Return how many rows there are, up to the most that is counted."""
        rows: Any = self.object_list
        return AtLeast.counted(
            int(rows.order_by()[: COUNTED_ROWS_MAX + 1].count()), COUNTED_ROWS_MAX
        )
