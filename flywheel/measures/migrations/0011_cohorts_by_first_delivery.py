from django.db import migrations, models

NAMES = (
    "promised_customers",
    "promised_repeat_orders_90",
    "late_customers",
    "late_repeat_orders_90",
    "answered_customers",
    "answered_repeat_orders_90",
    "slow_customers",
    "slow_repeat_orders_90",
)


class Migration(migrations.Migration):
    dependencies = [("measures", "0010_sessions")]
    operations = [
        migrations.AddField(model_name="cohortweek", name=name, field=models.BigIntegerField(null=True))
        for name in NAMES
    ]
