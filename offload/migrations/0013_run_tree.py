from __future__ import annotations

from django.db import migrations

import offload.models.fields


class Migration(migrations.Migration):
    dependencies = [
        ("offload", "0012_times_as_django_writes_them"),
    ]

    operations = [
        migrations.AddField(
            model_name="run",
            name="tree",
            field=offload.models.fields.JsonText(default=None, null=True),
        ),
    ]
