"""What the interval of the discount rate takes: squares and products in place of the number of discounted orders."""

from django.db import migrations, models


def square_field() -> models.DecimalField:
    return models.DecimalField(decimal_places=4, max_digits=38, null=True)


class Migration(migrations.Migration):
    dependencies = [("measures", "0005_roll_new_measures")]
    operations = [
        migrations.RemoveField(model_name="conversionweek", name="discounted_orders"),
        migrations.AddField(model_name="conversionweek", name="discount_gross_squares", field=square_field()),
        migrations.AddField(model_name="conversionweek", name="discount_products", field=square_field()),
        migrations.AddField(model_name="conversionweek", name="discount_squares", field=square_field()),
    ]
