from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (
        ("intake", "0002_batch_notes"),
    )

    operations = (
        migrations.AlterField(
            model_name="mapping",
            name="slug",
            field=models.SlugField(allow_unicode=True, max_length=60),
        ),
    )
