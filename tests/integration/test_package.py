"""The wheel: its content, and its types for a site's type checker."""

from __future__ import annotations

import inspect
import site
import subprocess
import sys
import venv
import zipfile
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

import offload
from offload.core import exceptions

if TYPE_CHECKING:
    from pathlib import Path

#: A site that uses every public name as its documentation says.
SITE = """
from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from celery import Celery, shared_task
from celery.canvas import Signature

import offload
from offload import topology
from offload import (
    CurrentJob, Explanation, JobFailed, JobHandle, JobState, JobTimeout, OffloadError, OffloadTask,
    PermanentError, StaleAttempt,
)
from offload.testing import run_jobs
from offload.workflows import start, step, workflow

app = Celery("site")
offload.install(app)


@offload.consumer("dam/rendition/*", ranking=1, time_limit=60)
def rendition(job: CurrentJob, *, width: int) -> str:
    with job.inputs["original"].open() as file:
        content: bytes = file.read()
    if not content:
        raise PermanentError("nothing to scale")
    job.progress(1, 2, "half of it")
    made = job.outputs.add(f"{width}.webp", content)
    number: int = job.fence
    return f"{made.name} {number} {job.is_stopping}"


@offload.consumer("farm/render")
def render(job: CurrentJob, *, scene: str) -> None:
    token: str = job.hand_over(timeout=timedelta(hours=6))
    print(scene, token)


@shared_task(base=OffloadTask, topic="billing/invoice")
def invoice(order_id: int) -> int:
    return offload.current_job().attempt + order_id


def submits() -> tuple[JobState, Explanation, str]:
    job: JobHandle = offload.submit(
        "dam/rendition/web", {"width": 1280}, files={"original": Path("photo.jpg")},
        delay=timedelta(minutes=1), expires=3600, priority=5, queue="default",
    )
    many: list[JobHandle] = offload.submit_many("dam/rendition/web", [{"width": 1}], priority=1)
    try:
        value = job.result(timeout=timedelta(seconds=30))
    except JobTimeout as error:
        seconds: float = error.timeout
        value = f"{error.state} after {seconds}"
    except JobFailed as error:
        value = error.error
    except OffloadError as error:
        value = str(error)
    state: JobState = offload.stop(job, force=True)
    again: JobHandle = offload.retry(UUID(job.id))
    again.stop()
    offload.remove(many[0])
    invoice.delay(7)
    rendition.apply_async(kwargs={"width": 1})
    return state, offload.explain("dam/rendition/web"), str(value)


def ends(token: str) -> None:
    offload.progress(token, 30, 250)
    try:
        offload.complete(token, {"frames": 250})
    except StaleAttempt as error:
        offload.fail(token, f"overtaken at {error.epoch}", retry=False)


@workflow("dam/update")
def update() -> Signature[Any]:
    return step("dam/rendition/web", width=1280)


@topology.listener
def hear(event: topology.TopologyEvent) -> None:
    found: topology.TopologyDifference = event.difference.only(lambda one: "gpu" in one.labels)
    if event.kind is topology.TopologyEventKind.CHANGED and event.new is not None:
        print([one.name for one in found.added], event.new.leader, event.new.is_current)


def listens() -> topology.Listener:
    with topology.listen(hear):
        return topology.listen(hear)


def runs() -> list[JobHandle]:
    start("dam/update", user_data={"path": "a"})
    return run_jobs(most=10)
"""

#: A wrong call, which a type checker must find.
WRONG = """
import offload

offload.submit("a/b", {"x": 1}, prio=1)
offload.submit("a/b").result(timeout="soon")
offload.stop(7)
"""


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel, just built."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(folder),
    ]
    subprocess.run(command, cwd=root, check=True, capture_output=True)
    [made] = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the interpreter of an environment in which the wheel is installed."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    [packages] = folder.glob("lib/python*/site-packages")
    zipfile.ZipFile(wheel).extractall(packages)
    (packages / "dependencies.pth").write_text("\n".join(site.getsitepackages()))
    return folder / "bin/python"


def checked(python: Path, code: str, folder: Path) -> str:
    """Return the output of a strict type checker for a site's code."""
    (folder / "site.py").write_text(code)
    command = [
        sys.executable, "-m", "mypy", "--strict", "--python-executable", str(python),
        "--config-file", "/dev/null", "--cache-dir", str(folder / "cache"), "site.py",
    ]  # fmt: skip
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout


def test_the_wheel_carries_everything_but_the_sample_site(root: Path, wheel: Path) -> None:
    carried = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}

    wanted = {
        str(path.relative_to(root))
        for path in (root / "offload").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert "offload/py.typed" in carried
    assert "offload/migrations/0001_initial.py" in carried
    assert carried == wanted


@pytest.mark.timeout(600)
def test_a_site_is_type_checked_against_the_installed_wheel(python: Path, tmp_path: Path) -> None:
    assert "Success" in checked(python, SITE, tmp_path)

    told = checked(python, WRONG, tmp_path)
    assert ["prio" in told, "timeout" in told, '"stop"' in told] == [True, True, True]


def test_importing_the_installed_wheel_is_light_and_needs_no_settings(
    python: Path, tmp_path: Path
) -> None:
    code = (
        "import sys, offload; offload.JobFailed, offload.JobState, offload.PermanentError;"
        "print(offload.__file__, sorted(set(sys.modules) & {'django', 'celery', 'kombu'}))"
    )
    command = [str(python), "-c", code]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)

    assert str(python.parent.parent) in run.stdout
    assert run.stdout.rstrip().endswith("[]")


def test_every_error_can_be_caught_by_a_name_of_the_package() -> None:
    assert set(exceptions.__all__) <= set(offload.__all__)
    assert all(getattr(offload, name) is getattr(exceptions, name) for name in exceptions.__all__)


@pytest.mark.parametrize("name", ["embedded", "signals", "testing", "topology", "workflows"])
def test_what_a_public_module_lists_is_its_api(name: str) -> None:
    module = import_module(f"offload.{name}")

    assert sorted(dir(module)) == sorted(module.__all__)
    assert all(hasattr(module, one) for one in dir(module))


def test_what_the_package_lists_is_its_api() -> None:
    assert set(dir(offload)) == {*offload.__all__, "__version__"}


def test_every_public_name_and_what_it_offers_is_documented() -> None:
    silent = [
        f"{name}.{part}" if part else name
        for name in offload.__all__
        for part, value in [("", getattr(offload, name)), *_offered(getattr(offload, name))]
        if not inspect.getdoc(value)
    ]

    assert silent == []


def _offered(value: object) -> list[tuple[str, object]]:
    if not inspect.isclass(value) or not value.__module__.startswith("offload"):
        return []
    offered = (int, str, tuple, float, bool)
    return [
        (name, part)
        for name, part in vars(value).items()
        if not name.startswith("_")
        and (callable(part) or isinstance(part, property))
        and not isinstance(part, offered)
    ]
