import django.db.models.expressions
import django.db.models.functions.comparison
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_initial'),
        ('facts', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='order',
            name='paid',
            field=models.DecimalField(decimal_places=4, max_digits=18, null=True),
        ),
        migrations.RemoveField(model_name='order', name='contribution_base'),
        migrations.AddField(
            model_name='order',
            name='contribution_base',
            field=models.GeneratedField(db_persist=True, expression=django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.Case(models.When(gross__isnull=False, then=django.db.models.expressions.CombinedExpression(models.F('gross'), '-', django.db.models.functions.comparison.Coalesce(models.F('discount'), models.Value(0), output_field=models.DecimalField(decimal_places=4, max_digits=18)))), default=django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.functions.comparison.Coalesce(models.F('total'), models.F('paid')), '-', django.db.models.functions.comparison.Coalesce(models.F('shipping'), models.Value(0), output_field=models.DecimalField(decimal_places=4, max_digits=18))), '-', django.db.models.functions.comparison.Coalesce(models.F('tax'), models.Value(0), output_field=models.DecimalField(decimal_places=4, max_digits=18))), output_field=models.DecimalField(decimal_places=4, max_digits=18)), '-', models.F('cogs')), '-', django.db.models.functions.comparison.Coalesce(models.F('fulfilment_cost'), models.Value(0), output_field=models.DecimalField(decimal_places=4, max_digits=18))), '-', django.db.models.functions.comparison.Coalesce(models.F('payment_cost'), models.Value(0), output_field=models.DecimalField(decimal_places=4, max_digits=18))), '*', models.F('fx_rate')), output_field=models.DecimalField(decimal_places=4, max_digits=18)),
        ),
        migrations.RemoveField(model_name='order', name='net_base'),
        migrations.AddField(
            model_name='order',
            name='net_base',
            field=models.GeneratedField(db_persist=True, expression=django.db.models.expressions.CombinedExpression(models.Case(models.When(gross__isnull=False, then=django.db.models.expressions.CombinedExpression(models.F('gross'), '-', django.db.models.functions.comparison.Coalesce(models.F('discount'), models.Value(0), output_field=models.DecimalField(decimal_places=4, max_digits=18)))), default=django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.functions.comparison.Coalesce(models.F('total'), models.F('paid')), '-', django.db.models.functions.comparison.Coalesce(models.F('shipping'), models.Value(0), output_field=models.DecimalField(decimal_places=4, max_digits=18))), '-', django.db.models.functions.comparison.Coalesce(models.F('tax'), models.Value(0), output_field=models.DecimalField(decimal_places=4, max_digits=18))), output_field=models.DecimalField(decimal_places=4, max_digits=18)), '*', models.F('fx_rate')), output_field=models.DecimalField(decimal_places=4, max_digits=18)),
        ),
        migrations.AddIndex(
            model_name='order',
            index=models.Index(fields=['workspace', 'customer_ref'], name='order_customer_ref'),
        ),
    ]
