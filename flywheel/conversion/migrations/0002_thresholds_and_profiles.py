# The currency of a free-shipping threshold; every customer's scores and segment, kept by the job that works them out.

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("conversion", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="freeshipping",
            name="currency",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Empty: the currency of most of the market's orders.",
                max_length=3,
                verbose_name="Currency",
            ),
            preserve_default=False,
        ),
        migrations.CreateModel(
            name="CustomerProfile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("customer", models.TextField()),
                ("market", models.TextField(blank=True, db_default="", default="")),
                ("channel", models.TextField(blank=True, db_default="", default="")),
                ("segment", models.CharField(max_length=12)),
                ("recency", models.PositiveSmallIntegerField()),
                ("frequency", models.PositiveSmallIntegerField()),
                ("money", models.PositiveSmallIntegerField()),
                ("last_date", models.DateField()),
                ("orders", models.IntegerField()),
                ("revenue", models.DecimalField(decimal_places=4, max_digits=18)),
                (
                    "workspace",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="accounts.workspace",
                    ),
                ),
            ],
            options={
                "ordering": ("-revenue", "pk"),
                "indexes": [
                    models.Index(fields=["workspace", "segment", "-revenue", "id"], name="customer_profile_segment")
                ],
            },
        ),
    ]
