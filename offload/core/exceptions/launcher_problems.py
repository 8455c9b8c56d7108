"""Errors of launchers, and of the paths of files that arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.exceptions.base import OffloadError
from offload.core.nearness import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable


class InvalidPath(OffloadError, ValueError):
    """The path of a file is parts joined by `/`, and leads nowhere but down."""

    def __init__(self, *, path: object, problem: str, instead: str = "") -> None:
        self.path = path
        self.problem = problem
        how = instead or "Write the path of one file, such as 'photos/a.jpg'."
        super().__init__(f"{path!r:.300} cannot be launched: {problem}. Nothing was started. {how}")


class InvalidPathPattern(OffloadError, ValueError):
    """A pattern of paths is segments joined by `/`, in which `*` and `?` are wildcards."""

    def __init__(self, *, pattern: object, problem: str) -> None:
        self.pattern = pattern
        self.problem = problem
        super().__init__(
            f"{pattern!r:.300} is not a pattern of paths: {problem}. Write 'a/b.jpg' for one file, "
            "'a/*.jpg' for those of a folder, 'a/**' for all below it, 'a/**/*.jpg', or '**'."
        )


class InvalidLauncher(OffloadError, ValueError):
    """A launcher cannot be like this."""

    def __init__(self, *, name: object, problem: str) -> None:
        self.name = name
        self.problem = problem
        super().__init__(f"The launcher {name!r:.300} is wrong: {problem.rstrip('.')}.")


class UnknownLauncher(OffloadError, LookupError):
    """There is no launcher of that name."""

    def __init__(self, *, name: object, known: Iterable[str] = ()) -> None:
        self.name = name
        super().__init__(
            f"There is no launcher {name!r:.300}.{did_you_mean(str(name), known)} "
            "Add it in the admin, or by: manage.py offload launchers add NAME PATTERN WORKFLOW"
        )
