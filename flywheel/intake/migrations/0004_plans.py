"""A batch may hold several kinds of fact: a list of plans instead of one. Mappings likewise, and for one source."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("facts", "0005_changes"),
        ("intake", "0003_unicode_slugs"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField("batch", "plans", models.JSONField(default=list)),
        migrations.AddField("batch", "mapping_name", models.CharField(blank=True, default="", max_length=60), False),
        migrations.AddField("batch", "renamed", models.JSONField(default=dict)),
        migrations.AddField("batch", "digest", models.CharField(blank=True, default="", max_length=64), False),
        migrations.AddField("batch", "problems", models.IntegerField(default=0)),
        migrations.AddField(
            "batch",
            "check_job",
            models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="jobs.job"
            ),
        ),
        migrations.AddField("batch", "skips_bad_rows", models.BooleanField(default=False)),
        migrations.AddField("batch", "checked_at", models.DateTimeField(null=True)),
        migrations.AddField("batch", "undone_at", models.DateTimeField(null=True)),
        migrations.AddField(
            "batch",
            "undone_by",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            "batch",
            "state",
            models.CharField(
                choices=[
                    ("draft", "Not loaded yet"),
                    ("queued", "Waiting"),
                    ("loaded", "Loaded"),
                    ("rejected", "Rejected"),
                    ("failed", "Failed"),
                    ("undone", "Undone"),
                ],
                default="draft",
                max_length=10,
            ),
        ),
        migrations.AddField("mapping", "plans", models.JSONField(default=list)),
        migrations.AddField(
            "mapping",
            "source",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="mappings",
                to="facts.source",
            ),
        ),
    ]
