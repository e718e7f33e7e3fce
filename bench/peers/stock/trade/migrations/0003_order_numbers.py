from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('trade', '0002_customer_contact'),
    ]

    operations = [
        migrations.CreateModel(
            name='OrderCounter',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('last', models.BigIntegerField(default=0)),
            ],
        ),
    ]
