"""Names say which one is meant: no two classes share one, and modules only for the same thing.

The room says what it does with the thing: `models.queues` has the rows, `admin.queues` the pages.
"""

from __future__ import annotations

import ast
from collections import Counter, defaultdict

from tests.unit.house.source import files, tree

#: By name: the one thing that all modules of this name are about.
SHARED = {
    # What tables hold.
    "attempts": "attempts of jobs",
    "change_records": "the record of changes of rules, switches and queues",
    "instances": "instances",
    "jobs": "jobs",
    "joins": "joins of canvases",
    "launchers": "launchers of workflows",
    "payloads": "payloads and their files",
    "queues": "queues, the policies of topics",
    "relays": "rows of plain tasks in canvases",
    "rules": "rules",
    "runs": "runs of workflows",
    # What several rooms have a part of.
    "async_completion": "jobs that end outside of workers",
    "preferences": "what a job would rather have of an instance",
    "resources": "countable things that are not instances",
    "requirements": "what a job asks of an instance",
    "broker": "the broker",
    "bulk": "changes of many jobs",
    "consumers": "consumers",
    "database": "the database",
    "declarations": "what decorators declare",
    "deliveries": "deliveries of outputs to fields and storages",
    "duties": "duties of the leader",
    "elsewhere": "jobs that run in other clusters",
    "envelopes": "the forms in which jobs travel",
    "explain": "why a job waits",
    "fleet": "the instances of a cluster, together",
    "handles": "objects that stand for a row, for a site's code",
    "hooks": "functions that Celery calls",
    "ids": "ids of jobs",
    "media_types": "media types of files",
    "messages": "messages through the broker",
    "options": "options of a job",
    "outboxes": "what waits for another cluster",
    "peers": "other clusters",
    "peer_switches": "switches of what goes to and comes from other clusters",
    "outage": "what to say while a server is away",
    "policies": "policies of queues",
    "process": "processes of the operating system",
    "properties": "properties of instances",
    "clusters": "other clusters",
    "receiving": "what comes from another cluster",
    "refusals": "what instances and clusters refused",
    "logs": "logs of jobs",
    "sending": "what goes to another cluster",
    "submission": "jobs on their way into the database",
    "topics": "topics",
    "transfers": "files on their way to and from other clusters",
    "validation": "what rows may hold",
    # What frameworks and habit call so.
    "base": "base classes of a folder",
    "offload": "Django's command, and the library of template tags",
    "views": "views of Django",
}


def by_name() -> dict[str, set[str]]:
    """Return the modules of the app by the last part of their names; packages are left out."""
    found = defaultdict(set)
    for name, path in files().items():
        if path.stem not in {"__init__", "__main__"}:
            found[path.stem].add(name)
    return found


def test_modules_of_one_name_are_about_one_thing() -> None:
    assert {name for name, modules in by_name().items() if len(modules) > 1} == set(SHARED)


def test_no_two_classes_share_a_name() -> None:
    counted = Counter(
        node.name
        for path in files().values()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef) and node.name != "Meta"
    )
    assert len(counted) > 100
    assert {name for name, count in counted.items() if count > 1} == set()
