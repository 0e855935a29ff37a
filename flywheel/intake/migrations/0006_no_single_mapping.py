"""What the lists of plans hold now."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("intake", "0005_fill_plans")]
    operations = [
        migrations.RemoveField("batch", "mapping"),
        *(migrations.RemoveField("mapping", name) for name in ("columns", "constants", "values", "options")),
        migrations.AlterField("mapping", "kind", models.CharField(default="orders", max_length=30)),
        migrations.RemoveField("mapping", "kind"),
    ]
