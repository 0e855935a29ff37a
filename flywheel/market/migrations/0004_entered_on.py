from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('market', '0003_move_own_values'),
    ]

    operations = [
        migrations.AddField(
            model_name='roadmapentry',
            name='entered_on',
            field=models.DateField(blank=True, help_text='Of a market that was sold in before the loaded data begins: the back-test scores it as of then.', null=True, verbose_name='Sold in since'),
        ),
    ]
