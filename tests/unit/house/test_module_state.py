"""What a process keeps in modules, and changes, is on a short list, each with the reason.

All else that changes is held by objects that are made where they are used. Memos of functools,
which return what they would compute, and context variables are no such state.
"""

from __future__ import annotations

import ast
from functools import cache
from typing import TYPE_CHECKING

import pytest

from tests.unit.house.source import files, tree

if TYPE_CHECKING:
    from collections.abc import Iterator

#: By module and name: why there is no other place.
KEPT = {
    # What submitters and views, called from anywhere, find: one object of each kind per process.
    "messaging.installation.current_installation": "the installed app, its broker and its backend",
    "dispatch.full_lanes.full_lanes": "whoever submits asks it",
    "messaging.wakeups.wakeups": "whoever submits wakes agents by it",
    "dispatch.remote_sending.remote_sending": "whoever binds asks it",
    "fleet.snapshots.reader": "whoever decides asks it",
    "runs.locking.graphs": "ends of steps come from anywhere",
    "launchers.launcher_rules.rulebook": "models are saved from anywhere",
    "browser.cluster.sharing.shared_facts": "all requests share what one has read",
    "topology.hub._ProcessHub": "listeners are added by calls from anywhere",
    "topology.current._thread": "the view that a thread holds",
    "topology.current._Process": "the view that threads share, and the worker they belong to",
    # What Celery makes of classes, or calls as signals' receivers, finds of a worker.
    "worker.parent.gate.gate": "requests and boot steps are made by Celery",
    "worker.parent.in_flight.jobs_in_flight": "requests and boot steps are made by Celery",
    "worker.liveness.lease": "memory that pool children share",
    "worker.pool.session_watch._watches": "receivers of signals find the watch of their thread",
    "worker.pool.softlimit._handlers": "a process has one handler per signal",
    # What the database's own connections stand beside, per thread.
    "models.versions._last": "the mark of a thread's transaction",
    "models.versions._Known": "the last change that this process made",
    # What decorators and calls at import register, as Django and Celery do.
    "workflows.definitions.defined": "definitions of workflows",
    "topology.declarations.declared": "declared listeners",
    "topology.providers.declared": "declared providers of properties",
    "fleet.clashes.declared": "declared consumers",
    "models.stores._instead": "where a site's tests put files",
    # Memos that functools has no form for.
    "fleet.consumers._known": "the consumers of an app, gone with it",
    "results.task_results._latest": "what the start of a job found, for its end",
    "messaging.timeouts._idle": "threads that wait for a question",
}

CONTAINERS = {"list", "dict", "set", "deque", "defaultdict", "Counter", "WeakKeyDictionary"}
CHANGING = {
    "add", "append", "appendleft", "clear", "discard", "extend", "insert", "pop", "popitem",
    "popleft", "remove", "setdefault", "update",
}  # fmt: skip
#: Bases of classes whose instances do not change.
UNCHANGING = {"NamedTuple", "Enum", "StrEnum", "IntEnum", "Protocol", "TypedDict"}


def state(module: ast.Module, mutable: set[str]) -> set[str]:
    """Return the names of a module whose values change, given the classes whose instances do."""
    values = dict(assigned(module))
    kinds = {name: kind(value) for name, value in values.items()}
    instances = {name for name, made in kinds.items() if made in mutable}
    containers = {name for name, made in kinds.items() if made in CONTAINERS}
    touched = set(changed(module))
    return instances | (containers & touched) | set(rebound(module)) | set(on_classes(module))


def assigned(module: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Yield the names that a module gives values as it is imported."""
    for node in module.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from ((one.id, node.value) for one in targets if isinstance(one, ast.Name))


def kind(value: ast.expr) -> str:
    """Return the name of what makes a value, nothing where that is neither class nor container."""
    displays = {ast.List: "list", ast.Dict: "dict", ast.Set: "set"}
    if isinstance(value, ast.Call):
        return ast.unparse(value.func).rpartition(".")[2]
    return displays.get(type(value), "")


def changed(module: ast.Module) -> Iterator[str]:
    """Yield the names whose contents the functions of a module change."""
    for node in in_functions(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in CHANGING:
                yield ast.unparse(whole(node.func.value))
        elif isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
            yield ast.unparse(whole(node))


def whole(part: ast.expr) -> ast.expr:
    """Return the container that an expression takes something of."""
    while isinstance(part, ast.Subscript):
        part = part.value
    return part


def rebound(module: ast.Module) -> Iterator[str]:
    """Yield the names that the functions of a module rebind."""
    for node in in_functions(module):
        if isinstance(node, ast.Global):
            yield from node.names


def on_classes(module: ast.Module) -> Iterator[str]:
    """Yield the classes of a module whose own attributes its functions set."""
    classes = {node.name for node in module.body if isinstance(node, ast.ClassDef)}
    for node in in_functions(module):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield from {ast.unparse(node.value)} & classes


def in_functions(module: ast.Module) -> Iterator[ast.AST]:
    """Yield whatever runs after a module was imported."""
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.Lambda):
            yield from ast.walk(node)


def changes(made: ast.ClassDef) -> bool:
    """Return whether instances of a class can change."""
    is_frozen = any("frozen=True" in ast.unparse(one) for one in made.decorator_list)
    bases = {ast.unparse(one).rpartition(".")[2] for one in made.bases}
    return not is_frozen and not bases & UNCHANGING


@cache
def mutable_classes() -> set[str]:
    """Return the names of the app's classes whose instances can change."""
    nodes = [node for path in files().values() for node in ast.walk(tree(path))]
    return {node.name for node in nodes if isinstance(node, ast.ClassDef) and changes(node)}


def test_what_modules_keep_is_on_the_list() -> None:
    found = {
        f"{name.removeprefix('offload.')}.{one}"
        for name, path in files().items()
        for one in state(tree(path), mutable_classes())
    }
    assert found == set(KEPT)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a = 0\ndef f():\n    global a\n    a = 1", {"a"}),
        ("a = {}\ndef f(): a['x'] = 1", {"a"}),
        ("a = deque()\ndef f(): a.append(1)", {"a"}),
        ("a = defaultdict(set)\ndef f(): a['x'].add(1)", {"a"}),
        ("a = [1]\ndef f(): return a[0]", set()),
        ("a = Breaker()", {"a"}),
        ("a = Frozen()", set()),
        ("class A: b = 1\ndef f(): A.b = 2", {"A"}),
    ],
)
def test_state_of_a_module_would_be_seen(text: str, names: set[str]) -> None:
    assert state(ast.parse(text), {"Breaker"}) == names


def test_what_is_frozen_does_not_change() -> None:
    assert {"Breaker", "InFlight"} <= mutable_classes()
    assert not {"Duty", "Snapshot", "Key"} & mutable_classes()
