"""What a batch changed is kept as it was, so that it can be undone."""

import django.db.models.deletion
from django.contrib.postgres.indexes import BrinIndex
from django.db import migrations, models


GROWING = {"order": "order", "orderline": "order_line", "payment": "payment", "traffic": "traffic", "sessionevent": "event"}


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial"), ("facts", "0004_order_bare_dates")]

    operations = [
        migrations.AddField("market", "batch_id", models.BigIntegerField(null=True)),
        migrations.AddField("channel", "batch_id", models.BigIntegerField(null=True)),
        migrations.CreateModel(
            name="Change",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("batch_id", models.BigIntegerField()),
                ("table_name", models.CharField(max_length=40)),
                ("fact_id", models.BigIntegerField()),
                ("before", models.JSONField()),
                ("before_batch", models.BigIntegerField(null=True)),
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
                "indexes": [
                    models.Index(fields=["workspace", "before_batch"], name="change_before"),
                    models.Index(fields=["table_name", "fact_id"], name="change_fact"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("batch_id", "table_name", "fact_id"), name="change_once")
                ],
            },
        ),
        *(
            migrations.AddIndex(model, BrinIndex(fields=["batch_id"], name=f"{name}_batch", pages_per_range=16))
            for model, name in GROWING.items()
        ),
    ]
