"""What each week amounted to when it was rolled, to tell restated weeks."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial"), ("measures", "0002_denominators")]

    operations = [
        migrations.CreateModel(
            name="RolledWeek",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "rollup",
                    models.CharField(
                        choices=[
                            ("market", "Market"),
                            ("conversion", "Conversion"),
                            ("aftersales", "Aftersales"),
                            ("cohorts", "Cohorts"),
                        ],
                        max_length=12,
                    ),
                ),
                ("week", models.DateField()),
                ("digest", models.TextField()),
                ("figures", models.JSONField()),
                ("first_rolled_at", models.DateTimeField()),
                ("rolled_at", models.DateTimeField()),
                ("restated_at", models.DateTimeField(null=True)),
                ("published_digest", models.TextField(db_default="", default="")),
                ("published", models.JSONField(null=True)),
                (
                    "workspace",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="accounts.workspace"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("workspace", "week", "rollup"), name="rolled_week_once")
                ],
            },
        ),
    ]
