"""A result backend's part in canvases: counts of chords, and earlier results."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from celery.backends.base import SyncBackendMixin
from celery.states import PROPAGATE_STATES

from offload.canvas import batches, plain_tasks
from offload.canvas.following import joins
from offload.canvas.freezing.signatures import join_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery


def hook(app: Celery, backend: Any) -> Any:
    """Return the backend, with its methods about chords, and its polling, wrapped.

    Its own attributes are set rather than those of a subclass: key-value backends choose
    `apply_chord` in their constructor, and a class made here could not be pickled.
    """
    chords = Chords(app, backend)
    backend.apply_chord = chords.apply_chord
    backend.set_chord_size = chords.set_chord_size
    backend.on_chord_part_return = chords.on_chord_part_return
    backend.add_to_chord = chords.add_to_chord
    if isinstance(backend, SyncBackendMixin):
        backend.wait_for = looking_back(backend.wait_for)  # type: ignore[method-assign]
    return backend


def looking_back(wait_for: Callable[..., Any]) -> Callable[..., Any]:
    """Return a backend's polling that checks earlier results once more after a failure.

    Celery looks there and then at the result: a member of a chord may fail between the two, and
    then ``get()`` would raise the ChordError of the body, not the member's own error.
    """

    @wraps(wait_for)
    def wait(task_id: str, *args: Any, on_interval: Any = None, **options: Any) -> Any:
        meta = wait_for(task_id, *args, on_interval=on_interval, **options)
        if on_interval is not None and meta["status"] in PROPAGATE_STATES:
            on_interval()
        return meta

    return wait


class Chords:
    """Celery's interface for counting chords; chords without a join go to the backend."""

    def __init__(self, app: Celery, backend: Any) -> None:
        """Keep the backend's own methods."""
        self._app = app
        self._apply_chord = backend.apply_chord
        self._set_chord_size = backend.set_chord_size
        self._on_chord_part_return = backend.on_chord_part_return
        self._add_to_chord = backend.add_to_chord

    def apply_chord(self, header_result_args: Any, body: Any, **options: Any) -> Any:
        """Make a join inside one of offload's transactions."""
        batch = batches.current()
        if batch is None:
            return self._apply_chord(header_result_args, body, **options)
        group_id, results = header_result_args
        batch.joins.append(joins.new(group_id, results, body))
        return None

    def set_chord_size(self, group_id: str, chord_size: int) -> Any:
        """Do nothing inside one of offload's transactions: joins know their members."""
        return None if batches.current() else self._set_chord_size(group_id, chord_size)

    def on_chord_part_return(self, request: Any, state: str, result: Any, **options: Any) -> Any:
        """Count the end of a plain task in the join that waits for it."""
        if not join_of(request.chord):
            return self._on_chord_part_return(request, state, result, **options)
        return plain_tasks.close(self._app, request.id, state, result)

    def add_to_chord(self, chord_id: str, result: Any) -> Any:
        """Let a join wait for one more result."""
        return joins.extend(chord_id, result.id) or self._add_to_chord(chord_id, result)
