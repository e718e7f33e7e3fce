from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("zoo", "0017_database_default_dropped")]

    operations = [
        migrations.AlterField("animal", "name", models.CharField(max_length=200)),
        migrations.AlterField("ticket", "price", models.DecimalField(max_digits=8, decimal_places=2, null=True)),
    ]
