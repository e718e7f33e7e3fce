from django.db import migrations, models


class Migration(migrations.Migration):
    replaces = [("zoo", "0061_first"), ("zoo", "0062_second")]
    dependencies = [("zoo", "0060_extensions")]

    operations = [
        migrations.AddField("keeper", "shift", models.IntegerField(null=True)),
        migrations.AddField("keeper", "shoes", models.IntegerField(null=True)),
    ]
