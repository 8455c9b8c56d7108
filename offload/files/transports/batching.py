"""Pushing of small files in batches: each is checked and tried as if it went alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from offload.core.exceptions import TransferFailed
from offload.core.transfers import file_batches
from offload.files.transports.sources import verified
from offload.files.transports.staging import SentFile
from offload.files.transports.transport import BatchFile, transport_of
from offload.files.transports.trying import carry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from offload.core.transfers.tries import TransferPolicy
    from offload.files.transports.sending import InvitedFile
    from offload.files.transports.transport import Transport
    from offload.files.transports.watching import Watch


def parted(
    files: Sequence[InvitedFile], transports: Mapping[str, Transport]
) -> tuple[list[Sequence[InvitedFile]], list[InvitedFile]]:
    """Return the files that go in batches, in groups, and those that go alone."""
    small: list[InvitedFile] = []
    others: list[InvitedFile] = []
    for one in files:
        (small if _takes_batch(one, transports) else others).append(one)
    groups = list(file_batches.grouped((one, one.transfer.file.size) for one in small))
    # One alone gains nothing.
    alone = [group[0] for group in groups if len(group) == 1]
    return [group for group in groups if len(group) > 1], others + alone


def _takes_batch(one: InvitedFile, transports: Mapping[str, Transport]) -> bool:
    found = transports.get(one.ticket.transport)
    return found is not None and found.takes_batch(one.transfer.file, one.ticket)


@dataclass(slots=True)
class SentBatch:
    """The files of a batch, of which home has some."""

    files: Sequence[BatchFile]
    #: Bytes that home has.
    size: int = 0
    _there: set[str] = field(default_factory=set)

    @property
    def missing(self) -> list[BatchFile]:
        """Return the files that home lacks."""
        return [one for one in self.files if one.sent.file.name not in self._there]

    def try_once(self, transport: Transport) -> None:
        """Send what is missing; raise the problem of a file that home still lacks, if any."""
        tried = self.missing
        problems = transport.push_batch(tried)
        for one in tried:
            if problems.get(one.sent.file.name, self) is None:
                self._there.add(one.sent.file.name)
                self.size += one.sent.file.size
                one.sent.note(one.sent.file.size)
        found = [error for error in problems.values() if error is not None]
        # One that no further try would mend is told first.
        found.sort(key=lambda error: error.can_retry)
        if found:
            raise found[0]
        if self.missing:
            name = self.missing[0].sent.file.name
            raise TransferFailed(name=name, problem="the other site did not take it")


def push_batch(
    group: Sequence[InvitedFile],
    transports: Mapping[str, Transport],
    policy: TransferPolicy,
    watch: Watch,
) -> None:
    """Send small files to home; raise a FileProblem if one cannot be sent."""
    file = group[0].transfer.file
    transport = transport_of(transports, group[0].ticket, name=file.name)
    timer = watch.timer(file, policy.timeout)
    batch = SentBatch(list(_checked(group, policy, watch)))
    carry(policy, timer, batch, lambda: batch.try_once(transport))


def _checked(
    group: Sequence[InvitedFile], policy: TransferPolicy, watch: Watch
) -> Iterator[BatchFile]:
    for one in group:
        file = one.transfer.file
        sent = SentFile(file, watch.timer(file, policy.timeout), rejections=policy.corrupt)
        yield BatchFile(ticket=one.ticket, content=verified(file, one.source), sent=sent)
