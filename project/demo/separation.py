"""Verification that the two sites share nothing but what they sent each other."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from offload.core.transfers.descriptions import Direction
from offload.core.transfers.tickets import HELD
from project.demo.steps import STEPS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from project.demo.account import Account, Held, Moved

#: The files that may come back to the author's site: of single steps, and of whole runs.
OUTPUTS = frozenset(step.output for step in STEPS if step.box)
OF_WHOLE_RUNS = frozenset(step.output for step in STEPS)

#: By HTTP, or not at all because it was there.
WAYS = frozenset({"http", HELD})


def separation_problems(
    author: Account, render: Account, originals: Iterable[Held]
) -> Iterator[str]:
    """Yield signs that a site wrote into the other one's folder; nothing if all is well.

    The originals are the stored ones, as they were when they had just been submitted.
    """
    for original in originals:
        if author.of(original.path) != original:
            yield f"{original.path} was written again after it was submitted"
    yield from folder_problems(author, render)
    for account in (author, render):
        for path in account.orphans:
            yield f"{path} is no file that {account.site} knows"
    whole = {one.of_job for one in render.ran}
    for one in chain(author.moved, render.moved):
        yield from moved_problems(one, OF_WHOLE_RUNS if one.job in whole else OUTPUTS)


def folder_problems(author: Account, render: Account) -> Iterator[str]:
    """Yield the files that lie in both folders."""
    one, other = Path(author.folder), Path(render.folder)
    if one.is_relative_to(other) or other.is_relative_to(one):
        yield f"One of the folders {one} and {other} is in the other"
    held = list(chain(author.held, render.held))
    times = Counter(one.inode for one in held)
    for file in held:
        if file.is_link or file.links > 1 or times[file.inode] > 1:
            yield f"{file.path} may be a file of the other site too: it is linked"


def moved_problems(one: Moved, outputs: frozenset[str]) -> Iterator[str]:
    """Yield the faults of the way that a file took between the sites; `outputs` may come back."""
    if one.transport not in WAYS:
        yield f"{one.name} of {one.job} went by {one.transport}"
    if one.direction == Direction.OUTPUT and one.name not in outputs:
        yield f"{one.name} of {one.job} was sent to the author's site, and should not be"
