"""A job's state is written in ``offload/tracking`` alone; the source of all else is read for it."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[4]
#: The writer, and the one helper by which tests arrange a situation.
ALLOWED = ("offload/tracking/", "offload/migrations/", "tests/arranging.py")
CHANGES = {"update", "create", "get_or_create", "update_or_create", "bulk_update", "bulk_create"}
#: SQL that writes rows of jobs; an expression in an f-string is read as its source.
SQL = re.compile(r"\b(UPDATE|INSERT INTO)\s+(offload_job\b(?!_)|\{[^}]*\b(JOB|Job)\b[^}]*\})")
#: Source text that every write of a state contains.
ABOUT = re.compile(r"\bJob\b|offload_job|\bstate\b")
#: The constructors of conditions on jobs and of columns to set; other rooms choose from tracking.
CHOICES = re.compile(r"\bSelector\(|\.where\(|\bAssignments\(|\balso=[f\"']")


def sources() -> Iterator[tuple[str, str]]:
    """Return the modules of the app, the site and the tests that are about jobs."""
    for folder in ("offload", "project", "tests"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if name.startswith(ALLOWED) or path == Path(__file__):
                continue
            if ABOUT.search(source := path.read_text()):
                yield name, source


def writes(source: str) -> list[int]:
    """Return the lines that write a state of jobs."""
    nodes = [one for one in ast.walk(ast.parse(source)) if isinstance(one, ast.expr | ast.stmt)]
    parts = {id(part) for one in nodes if isinstance(one, ast.JoinedStr) for part in one.values}
    whole = [one for one in nodes if id(one) not in parts]
    found = [one for one in whole if _is_sql(one) or _is_change(one) or _is_saved(one)]
    return sorted({one.lineno for one in found})


def _is_sql(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant | ast.JoinedStr) and bool(SQL.search(_text(node)))


def _text(node: ast.Constant | ast.JoinedStr) -> str:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    return "".join(
        str(part.value) if isinstance(part, ast.Constant) else f"{{{ast.unparse(part)}}}"
        for part in node.values
    )


def _is_change(node: ast.AST) -> bool:
    """Return whether a call changes rows: with a state, or of jobs with columns of any name."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute | ast.Name):
        return False
    if isinstance(node.func, ast.Name):
        return node.func.id == "Job" and _gives_state(node)
    if node.func.attr not in CHANGES:
        return False
    of_jobs = any(isinstance(one, ast.Name) and one.id == "Job" for one in ast.walk(node.func))
    if node.func.attr == "update":
        return _gives_state(node) or (of_jobs and _gives_any(node))
    return of_jobs and (_gives_state(node) or _gives_any(node) or node.func.attr.startswith("bulk"))


def _gives_state(call: ast.Call) -> bool:
    return any(one.arg == "state" for one in call.keywords)


def _gives_any(call: ast.Call) -> bool:
    return any(one.arg is None for one in call.keywords)


def _is_saved(node: ast.AST) -> bool:
    """Return whether the state of a row is set, to be saved."""
    targets = node.targets if isinstance(node, ast.Assign) else []
    return any(
        isinstance(one, ast.Attribute) and one.attr == "state" and ast.unparse(one.value) != "self"
        for one in targets
    )


def test_nobody_but_the_writer_writes_a_state_of_jobs() -> None:
    found = [f"{name}:{line}" for name, source in sources() for line in writes(source)]

    assert found == [], "let offload.tracking write it, or arrange it with tests.arranging"


def test_no_room_gives_the_writer_sql_of_its_own() -> None:
    rooms = [(name, source) for name, source in sources() if name.startswith("offload/")]

    assert len(rooms) > 50
    assert [name for name, source in rooms if CHOICES.search(source)] == []


@pytest.mark.parametrize(
    "leak",
    [
        'execute("UPDATE offload_job SET state = 1")',
        'execute(f"UPDATE {JOB} SET " f"state = 1")',
        'execute(f"WITH a AS (SELECT 1) INSERT INTO {Job._meta.db_table} (id) SELECT 1")',
        'Job.objects.filter(pk=1).update(state="ACTIVE")',
        'rows.update(state="ACTIVE")',
        "Job.objects.update(**columns)",
        'Job.objects.create(pk=1, state="ACTIVE")',
        'Job(state="ACTIVE").save()',
        'Job.objects.bulk_update(rows, ["state"])',
        'job.state = "ACTIVE"',
    ],
)
def test_every_way_to_write_a_state_is_seen(leak: str) -> None:
    assert writes(leak) == [1]


@pytest.mark.parametrize(
    "other",
    [
        'rows(f"SELECT state FROM {JOB} WHERE state = 1")',
        'execute(f"UPDATE {INSTANCE} SET mode = 1")',
        'Job.objects.filter(state="ACTIVE").update(progress=None)',
        'execute("INSERT INTO offload_job_rows VALUES (1)")',
        "self.state = 1",
    ],
)
def test_what_writes_no_state_is_let_through(other: str) -> None:
    assert writes(other) == []
