from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (
        ("facts", "0002_order_paid"),
    )

    operations = (
        migrations.AlterField(
            model_name="source",
            name="slug",
            field=models.SlugField(allow_unicode=True, max_length=60),
        ),
    )
