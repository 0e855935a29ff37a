"""All scored customers can be paged through in three orders, and the next order has its days."""

from decimal import Decimal

from django.db import migrations, models
from django.db.models import Value
from django.db.models.functions import Coalesce


class Migration(migrations.Migration):
    dependencies = [("aftersales", "0004_count_first_deliveries_anew")]
    operations = [
        *(
            migrations.AddField(
                model_name="customerscore",
                name=name,
                field=models.DateField(null=True),
            )
            for name in ("next_from", "next_middle", "next_until")
        ),
        *(
            migrations.AddIndex(
                model_name="customerscore",
                index=models.Index(
                    "workspace",
                    Coalesce(field, Value(missing)),
                    "id",
                    name=name,
                ),
            )
            for field, missing, name in (
                ("value_12", Decimal(-1), "score_by_value"),
                ("alive", -1.0, "score_by_alive"),
            )
        ),
        migrations.AddIndex(
            model_name="customerscore",
            index=models.Index("workspace", "last_date", "id", name="score_by_last"),
        ),
        migrations.AddIndex(
            model_name="customerscore",
            index=models.Index("workspace", "market", name="score_market"),
        ),
    ]
