"""Add whether a peer takes announcements from a queue of their own."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("offload", "0034_launchers"),
    ]

    operations = [
        migrations.AddField(
            model_name="peer",
            name="hears_apart",
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
