"""Launchers: the workflow that starts for a file that arrives, and the switch of them all."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from offload.core.exceptions import InvalidPathPattern
from offload.core.launchers.launcher_decision import ANY_EVENT, EVENT_WORDS, LauncherRule
from offload.core.launchers.paths import PATTERN_MAX, PathPattern
from offload.core.validation.bounds import FILE_BYTES
from offload.db.managers import OffloadManager
from offload.models.fields import DatabaseNow
from offload.models.validation import within

#: The name under which all launchers of the site are switched.
EVERYWHERE = "*"


def validate_path_pattern(value: Any) -> None:
    """Raise ValidationError unless ``value`` is a pattern of paths."""
    try:
        PathPattern.parse(value)
    except InvalidPathPattern as error:
        raise ValidationError(str(error), code="pattern") from error


def validate_types(value: Any) -> None:
    """Raise ValidationError unless ``value`` is a list of media types."""
    is_list = isinstance(value, list) and all(isinstance(one, str) for one in value)
    if not is_list or not all(one.count("/") == 1 and " " not in one for one in value):
        raise ValidationError(_('Give a list of media types, such as ["image/*"].'))


def validate_object(value: Any) -> None:
    """Raise ValidationError unless ``value`` is an object with text for keys."""
    if not isinstance(value, dict):
        raise ValidationError(_('Give a JSON object, such as {"width": 48}.'))


class Launcher(models.Model):
    """A workflow that starts for files that arrive at some paths."""

    name = models.SlugField(_("name"), max_length=100, unique=True)
    enabled = models.BooleanField(_("enabled"), default=True)
    event = models.CharField(
        _("event"),
        max_length=8,
        choices=[
            (ANY_EVENT, _("any")),
            *((event.value, words) for event, words in EVENT_WORDS.items()),
        ],
        default=ANY_EVENT,
        help_text=_("How a file arrives."),
    )
    pattern = models.CharField(
        _("pattern of paths"),
        max_length=PATTERN_MAX,
        validators=[validate_path_pattern],
        help_text=_(
            "a/*.jpg in a folder · a/** all below it · a/**/*.jpg · **. Of the launchers that fit "
            "a file, those with the nearest folder start."
        ),
    )
    exclude = models.JSONField(
        _("excluded media types"),
        default=list,
        blank=True,
        validators=[validate_types],
        help_text=_('Asked first. A list such as ["image/svg+xml"].'),
    )
    include = models.JSONField(
        _("included media types"),
        default=list,
        blank=True,
        validators=[validate_types],
        help_text=_('A list such as ["image/*", "application/pdf"]; empty for all.'),
    )
    size_min = models.BigIntegerField(
        _("least size in bytes"), null=True, blank=True, validators=within(FILE_BYTES)
    )
    size_max = models.BigIntegerField(
        _("greatest size in bytes"), null=True, blank=True, validators=within(FILE_BYTES)
    )
    workflow = models.CharField(_("workflow"), max_length=255)
    parameters = models.JSONField(
        _("parameters"),
        default=dict,
        blank=True,
        validators=[validate_object],
        help_text=_("$path, $folder, $name and $media_type stand for those of the file."),
    )
    input_name = models.CharField(
        _("name of the file in the run"),
        max_length=255,
        blank=True,
        default="",
        help_text=_("Empty for the workflow's only input, or else original."),
    )
    takes_outputs = models.BooleanField(
        _("takes outputs"),
        default=False,
        help_text=_("Also start for files with the content of a job's output."),
    )
    #: Made and changed by ``OFFLOAD["LAUNCHERS"]``; people may only enable and disable it.
    is_declared = models.BooleanField(_("declared in the settings"), default=False, editable=False)

    objects: OffloadManager[Launcher] = OffloadManager()

    class Meta:
        """Edited by people."""

        verbose_name = _("launcher")
        verbose_name_plural = _("launchers")
        ordering = ["name"]

    def __str__(self) -> str:
        """Return the name."""
        return self.name

    def clean(self) -> None:
        """Raise ValidationError for sizes that no file can have."""
        least, most = self.size_min, self.size_max
        if least is not None and most is not None and least > most:
            raise ValidationError({"size_max": _("This is less than the least size.")})

    @property
    def rule(self) -> LauncherRule:
        """Return it as a value.

        Raise InvalidPathPattern or ValidationError for a row that was edited by hand.
        """
        validate_types(self.exclude)
        validate_types(self.include)
        validate_object(self.parameters)
        return LauncherRule(
            name=self.name,
            pattern=PathPattern.parse(self.pattern),
            workflow=self.workflow,
            event=self.event,
            exclude=tuple(self.exclude),
            include=tuple(self.include),
            size_min=self.size_min,
            size_max=self.size_max,
            parameters=self.parameters,
            input_name=self.input_name,
            takes_outputs=self.takes_outputs,
            enabled=self.enabled,
        )

    @property
    def problem(self) -> str:
        """Say why the row cannot be used, in which case it starts nothing; "" if it can."""
        try:
            self.rule  # noqa: B018
        except (InvalidPathPattern, ValidationError) as error:
            return "; ".join(getattr(error, "messages", (str(error),)))
        return ""


class LauncherSwitch(models.Model):
    """Launchers that are switched off: a row while they are."""

    #: The instance whose watched folders start nothing; or EVERYWHERE.
    instance = models.CharField(
        _("instance"),
        primary_key=True,
        max_length=255,
        default=EVERYWHERE,
        help_text=_("* for all launchers of the site, or an instance that watches folders."),
    )
    since = models.DateTimeField(_("since"), db_default=DatabaseNow(), editable=False)
    note = models.CharField(_("note"), max_length=255, blank=True, default="")

    objects: OffloadManager[LauncherSwitch] = OffloadManager()

    class Meta:
        """Read with the launchers."""

        verbose_name = _("switch of launchers")
        verbose_name_plural = _("switches of launchers")

    def __str__(self) -> str:
        """Return the nodename."""
        return self.instance


class Launch(models.Model):
    """A file for which a launcher started a run; one per launcher, path and content."""

    #: A name rather than a reference: what was launched is not launched again when it is remade.
    launcher = models.CharField(_("launcher"), max_length=100)
    path = models.TextField(_("path"))
    #: Digest of the path, which is too long for an index.
    path_key = models.CharField(max_length=64)
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    #: Size and time of the file where they are known, by which it is not read again.
    stamp = models.CharField(max_length=48, default="", blank=True)
    run = models.ForeignKey(
        "offload.Run", models.SET_NULL, null=True, default=None, related_name="launches"
    )
    at = models.DateTimeField(_("time"), db_default=DatabaseNow(), editable=False)

    objects: OffloadManager[Launch] = OffloadManager()

    class Meta:
        """Written with the run, in its transaction."""

        verbose_name = _("launch")
        verbose_name_plural = _("launches")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["launcher", "path_key", "sha256"], name="offload_launch_once"
            ),
            models.CheckConstraint(name="offload_launch_launcher", condition=~Q(launcher="")),
        ]

    def __str__(self) -> str:
        """Return the path."""
        return self.path
