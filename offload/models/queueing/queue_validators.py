"""Checks of the fields of a queue, which its forms and its declaration run."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from offload.core.exceptions import (
    InvalidErrorName,
    InvalidPattern,
    InvalidPlacement,
    InvalidPreference,
    InvalidRate,
    InvalidRequirement,
    InvalidResource,
    InvalidWindow,
    UnknownTimeZone,
)
from offload.core.matching.amounts import Amounts
from offload.core.matching.escalation import Escalation
from offload.core.matching.preferences import Preferences
from offload.core.matching.requirements import Requirements
from offload.core.matching.retried_errors import names_of
from offload.core.timing.rates import Rate
from offload.core.timing.windows import Windows, zone_of
from offload.core.topics import Pattern


def validate_patterns(value: Any) -> None:
    """Raise ValidationError unless ``value`` is a list of topic patterns."""
    if not isinstance(value, list) or not value:
        raise ValidationError(_('Give a list of patterns, such as ["dam/**"].'))
    for text in value:
        try:
            Pattern.parse(text)
        except InvalidPattern as error:
            raise ValidationError(str(error), code="pattern") from error


def validate_requirements(value: Any) -> None:
    """Raise ValidationError unless ``value`` is an object of requirements."""
    try:
        Requirements.of(value)
    except InvalidRequirement as error:
        raise ValidationError(str(error), code="requires") from error


def validate_preferences(value: Any) -> None:
    """Raise ValidationError unless ``value`` is a list of pairs of requirements and weights."""
    try:
        Preferences.of(value)
    except InvalidPreference as error:
        raise ValidationError(str(error), code="prefers") from error


def validate_escalation(value: Any) -> None:
    """Raise ValidationError unless ``value`` is an object of factors of requirements."""
    try:
        Escalation.of(value)
    except InvalidPlacement as error:
        raise ValidationError(str(error), code="retry_with") from error


def validate_resources(value: Any) -> None:
    """Raise ValidationError unless ``value`` is an object of amounts of resources."""
    try:
        Amounts.of(value)
    except InvalidResource as error:
        raise ValidationError(str(error), code="resources") from error


def validate_errors(value: Any) -> None:
    """Raise ValidationError unless ``value`` is a list of names of exceptions."""
    try:
        names_of(value)
    except InvalidErrorName as error:
        raise ValidationError(str(error), code="errors") from error


def validate_rate(value: Any) -> None:
    """Raise ValidationError unless ``value`` is a rate such as ``100/m``."""
    try:
        Rate.parse(value)
    except InvalidRate as error:
        raise ValidationError(str(error), code="rate") from error


def validate_windows(value: Any) -> None:
    """Raise ValidationError unless ``value`` is a list of windows of time."""
    try:
        Windows.of(value, "UTC")
    except InvalidWindow as error:
        raise ValidationError(str(error), code="windows") from error


def validate_time_zone(value: Any) -> None:
    """Raise ValidationError unless ``value`` is the name of a time zone."""
    try:
        zone_of(value)
    except UnknownTimeZone as error:
        raise ValidationError(str(error), code="time_zone") from error
