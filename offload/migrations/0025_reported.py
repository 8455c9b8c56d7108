"""The column of the last report to another cluster has the name of its label."""

from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("offload", "0024_cluster_order")]

    operations = [
        migrations.RenameField(model_name="news", old_name="told", new_name="reported"),
    ]
