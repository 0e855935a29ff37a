"""A first order's time stands with it, so that a later order is compared without a look at the order itself."""

from django.db import migrations, models

_FILL = """
UPDATE facts_firstorder AS f SET ordered_at = o.ordered_at FROM facts_order AS o WHERE o.id = f.order_id
"""


class Migration(migrations.Migration):
    dependencies = [("facts", "0013_campaign_holdout")]
    operations = [
        migrations.AddField("firstorder", "ordered_at", models.DateTimeField(null=True)),
        migrations.RunSQL(_FILL, migrations.RunSQL.noop),
        migrations.AlterField("firstorder", "ordered_at", models.DateTimeField()),
    ]
