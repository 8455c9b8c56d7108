"""Permissions: every view checks them, whatever the page has shown."""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeAlias, TypeVar

from django.core.exceptions import PermissionDenied

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser
    from django.http import HttpRequest

P = ParamSpec("P")
R = TypeVar("R")
View: TypeAlias = "Callable[Concatenate[HttpRequest, P], R]"

SEE_INSTANCES = "offload.view_instance"
SEE_JOBS = "offload.view_job"
SEE_RUNS = "offload.view_run"
SEE_PAYLOAD = "offload.see_payload"
CHANGE_ROUTING = "offload.change_routing"
OPERATE_INSTANCE = "offload.operate_instance"
OPERATE_JOB = "offload.operate_job"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A user's permissions; pages show only buttons that the user may press."""

    instances: bool
    jobs: bool
    runs: bool
    payload: bool
    routing: bool
    switches: bool
    stops: bool


def access_of(user: AbstractBaseUser | AnonymousUser) -> Access:
    """Return all permissions of a user."""
    return Access(
        instances=_may(user, SEE_INSTANCES),
        jobs=_may(user, SEE_JOBS),
        runs=_may(user, SEE_RUNS),
        payload=_may(user, SEE_PAYLOAD),
        routing=_may(user, CHANGE_ROUTING),
        switches=_may(user, OPERATE_INSTANCE),
        stops=_may(user, OPERATE_JOB),
    )


def requires(*permissions: str) -> Callable[[View[P, R]], View[P, R]]:
    """Refuse the view to users who lack any of these permissions."""

    def decorate(view: View[P, R]) -> View[P, R]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> R:
            missing = [one for one in permissions if not _may(request.user, one)]
            if missing:
                raise PermissionDenied(missing)
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def demand(user: AbstractBaseUser | AnonymousUser, permission: str) -> None:
    """Raise PermissionDenied unless the user has the permission."""
    if not _may(user, permission):
        raise PermissionDenied([permission])


def _may(user: Any, permission: str) -> bool:
    return bool(user.has_perm(permission))
