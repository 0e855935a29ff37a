"""What cohorts brought has its spread, so that what was observed gets an interval."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("aftersales", "0005_all_customers")]
    operations = [
        migrations.AddField(
            model_name="cohortcontribution",
            name="squares",
            field=models.FloatField(null=True),
        ),
    ]
