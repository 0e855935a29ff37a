from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('facts', '0012_fill_follow_ups'),
    ]

    operations = [
        migrations.AddField(
            model_name='customercampaign',
            name='held_out',
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='customercampaign',
            name='held_out_ordered',
            field=models.BigIntegerField(null=True),
        ),
    ]
