from __future__ import annotations

import datetime

import django.core.validators
from django.conf import settings
from django.db import migrations, models

BOUNDS = {
    "ranking": (-1_000_000, 1_000_000),
    "retries": (-1, 1_000_000),
    "retry_delay": (0, 365 * 86_400),
    "backoff": (1, 1_000),
    "max_parallel": (1, 1_000_000),
    "retention_days": (1, 36_500),
}
LATEST = datetime.datetime(9999, 12, 29, tzinfo=datetime.UTC)


def bound(apps, schema_editor):
    """Take the nearest numbers that fit; a retention of no days meant for ever."""
    alias = schema_editor.connection.alias
    queues = apps.get_model("offload", "Queue").objects.using(alias)
    queues.filter(retention_days=0).update(retention_days=None)
    for name, (least, most) in BOUNDS.items():
        queues.filter(**{f"{name}__lt": least}).update(**{name: least})
        queues.filter(**{f"{name}__gt": most}).update(**{name: most})
    rules = apps.get_model("offload", "Rule").objects.using(alias)
    rules.filter(until__gt=LATEST).update(until=LATEST)


class Migration(migrations.Migration):
    dependencies = [
        ("offload", "0006_failures"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="queue",
            name="offload_queue_retries",
        ),
        migrations.RemoveConstraint(
            model_name="queue",
            name="offload_queue_delay",
        ),
        migrations.RemoveConstraint(
            model_name="queue",
            name="offload_queue_parallel",
        ),
        migrations.RunPython(bound, migrations.RunPython.noop, elidable=True),
        migrations.AlterField(
            model_name="queue",
            name="backoff",
            field=models.FloatField(
                default=1.0,
                help_text="Each retry waits this many times as long as the one before.",
                validators=[
                    django.core.validators.MinValueValidator(1.0),
                    django.core.validators.MaxValueValidator(1000.0),
                ],
                verbose_name="backoff",
            ),
        ),
        migrations.AlterField(
            model_name="queue",
            name="max_parallel",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Over the whole cluster. Empty: no limit.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(1000000),
                ],
                verbose_name="at most in parallel",
            ),
        ),
        migrations.AlterField(
            model_name="queue",
            name="ranking",
            field=models.IntegerField(
                default=0,
                help_text="Of queues that match a topic the highest wins.",
                validators=[
                    django.core.validators.MinValueValidator(-1000000),
                    django.core.validators.MaxValueValidator(1000000),
                ],
                verbose_name="ranking",
            ),
        ),
        migrations.AlterField(
            model_name="queue",
            name="retention_days",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Empty: for ever.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(36500),
                ],
                verbose_name="keep history for days",
            ),
        ),
        migrations.AlterField(
            model_name="queue",
            name="retries",
            field=models.IntegerField(
                default=10,
                help_text="Further attempts after a failure; -1: without end.",
                validators=[
                    django.core.validators.MinValueValidator(-1),
                    django.core.validators.MaxValueValidator(1000000),
                ],
                verbose_name="retries",
            ),
        ),
        migrations.AlterField(
            model_name="queue",
            name="retry_delay",
            field=models.FloatField(
                default=2.0,
                validators=[
                    django.core.validators.MinValueValidator(0.0),
                    django.core.validators.MaxValueValidator(31536000.0),
                ],
                verbose_name="retry delay in seconds",
            ),
        ),
        migrations.AlterField(
            model_name="rule",
            name="until",
            field=models.DateTimeField(
                blank=True,
                help_text="Empty: until somebody clears it.",
                null=True,
                validators=[
                    django.core.validators.MaxValueValidator(
                        datetime.datetime(9999, 12, 29, 0, 0, tzinfo=datetime.UTC)
                    )
                ],
                verbose_name="ends at",
            ),
        ),
        migrations.AddConstraint(
            model_name="queue",
            constraint=models.CheckConstraint(
                condition=models.Q(("ranking__gte", -1000000), ("ranking__lte", 1000000)),
                name="offload_queue_ranking",
                violation_error_message="A ranking is at most a million.",
            ),
        ),
        migrations.AddConstraint(
            model_name="queue",
            constraint=models.CheckConstraint(
                condition=models.Q(("retries__gte", -1), ("retries__lte", 1000000)),
                name="offload_queue_retries",
                violation_error_message="Retries are -1 (without end), or 0 to a million.",
            ),
        ),
        migrations.AddConstraint(
            model_name="queue",
            constraint=models.CheckConstraint(
                condition=models.Q(("retry_delay__gte", 0.0), ("retry_delay__lte", 31536000.0)),
                name="offload_queue_delay",
                violation_error_message="A retry delay is not negative, and at most a year.",
            ),
        ),
        migrations.AddConstraint(
            model_name="queue",
            constraint=models.CheckConstraint(
                condition=models.Q(("backoff__gte", 1.0), ("backoff__lte", 1000.0)),
                name="offload_queue_backoff",
                violation_error_message="A backoff is from 1 to 1,000.",
            ),
        ),
        migrations.AddConstraint(
            model_name="queue",
            constraint=models.CheckConstraint(
                condition=models.Q(("max_parallel__gte", 1), ("max_parallel__lte", 1000000)),
                name="offload_queue_parallel",
                violation_error_message="A limit is from 1 to a million; suspend the queue to stop it.",
            ),
        ),
        migrations.AddConstraint(
            model_name="queue",
            constraint=models.CheckConstraint(
                condition=models.Q(("retention_days__gte", 1), ("retention_days__lte", 36500)),
                name="offload_queue_retention",
                violation_error_message="History is kept for 1 to 36,500 days; leave it empty for ever.",
            ),
        ),
        migrations.AddConstraint(
            model_name="rule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("until__lte", datetime.datetime(9999, 12, 29, 0, 0, tzinfo=datetime.UTC))
                ),
                name="offload_rule_until",
                violation_error_message="This is later than any zone can show.",
            ),
        ),
    ]
