from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('trade', '0011_audit'),
    ]

    operations = [
        migrations.AddField(
            model_name='order',
            name='kind',
            field=models.CharField(default='sale', max_length=12),
        ),
    ]
