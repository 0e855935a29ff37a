import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


def key() -> models.TextField:
    return models.TextField(blank=True, db_default="", default="")


def slice_fields() -> list[tuple[str, models.Field]]:
    workspace = models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to="accounts.workspace")
    return [
        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
        ("week", models.DateField()),
        *((name, key()) for name in ("market", "channel", "device", "source", "target")),
        ("workspace", workspace),
    ]


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_agreed_reply"),
        ("measures", "0009_roll_refunded_cohorts"),
    ]

    operations = [
        migrations.CreateModel(
            name="CountedSessions",
            fields=[
                (
                    "workspace",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        serialize=False,
                        to="accounts.workspace",
                    ),
                ),
                ("began_at", models.DateTimeField()),
                ("one_in", models.IntegerField()),
                ("sessions", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="MoveWeek",
            fields=[*slice_fields(), ("count", models.BigIntegerField()), ("paid", models.BigIntegerField())],
            options={"indexes": [models.Index(fields=["workspace", "week"], name="move_week")]},
        ),
        migrations.CreateModel(
            name="StepTimeWeek",
            fields=[
                *slice_fields(),
                (
                    "bins",
                    django.contrib.postgres.fields.ArrayField(base_field=models.SmallIntegerField(), size=None),
                ),
                (
                    "counts",
                    django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None),
                ),
            ],
            options={"indexes": [models.Index(fields=["workspace", "week"], name="step_time_week")]},
        ),
    ]
