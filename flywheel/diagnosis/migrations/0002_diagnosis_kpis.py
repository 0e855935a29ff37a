import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("diagnosis", "0001_initial")]

    operations = [
        migrations.AddField("diagnosis", "kpis", models.JSONField(default=list)),
        migrations.AlterField("diagnosis", "computed_at", models.DateTimeField(default=django.utils.timezone.now)),
    ]
