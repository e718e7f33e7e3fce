from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("zoo", "0061_first")]

    operations = [
        migrations.AddField("keeper", "shoes", models.IntegerField(null=True)),
    ]
