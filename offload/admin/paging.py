"""Paging through long tables without counting all rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.paginator import Paginator
from django.utils.functional import cached_property

if TYPE_CHECKING:
    Base = Paginator[Any]
else:
    Base = Paginator

#: Rows that are counted and paged through; filters and search find the others.
COUNTED_ROWS_MAX = 10_000


class AtLeast(int):
    """A number that is shown with a plus, because there are more."""

    def __str__(self) -> str:
        """Return the number with a plus."""
        return f"{int(self)}+"

    @classmethod
    def counted(cls, count: int, most: int) -> int:
        """Return a count that stopped one beyond the most."""
        return cls(most) if count > most else count


class CappedPaginator(Base):
    """A paginator whose cost does not grow with the table."""

    @cached_property
    def count(self) -> int:
        """Return the number of rows, up to the most that is counted."""
        rows: Any = self.object_list
        return AtLeast.counted(
            int(rows.order_by()[: COUNTED_ROWS_MAX + 1].count()), COUNTED_ROWS_MAX
        )
