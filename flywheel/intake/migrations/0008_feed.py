import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("intake", "0007_watched_file"),)

    operations = (
        migrations.CreateModel(
            name="Feed",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200, unique=True)),
                ("schema", models.CharField(max_length=63)),
                ("table", models.CharField(max_length=63)),
                ("plan", models.JSONField(default=dict)),
                ("cursor_column", models.CharField(max_length=63)),
                ("cursor", models.TextField(blank=True)),
                ("reached", models.TextField(blank=True)),
                ("every_minutes", models.PositiveIntegerField(default=60)),
                ("enabled", models.BooleanField(default=True)),
                ("last_run_at", models.DateTimeField(null=True)),
                ("last_error", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "batch",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="intake.batch"
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="feeds", to="facts.source"
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="feeds", to="accounts.workspace"
                    ),
                ),
            ],
            options={"ordering": ("name",)},
        ),
    )
