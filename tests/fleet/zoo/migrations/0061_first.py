from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("zoo", "0060_extensions")]

    operations = [
        migrations.AddField("keeper", "shift", models.IntegerField(null=True)),
    ]
