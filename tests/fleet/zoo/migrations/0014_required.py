from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("zoo", "0013_types")]

    operations = [
        migrations.AlterField("keeper", "phone", models.CharField(max_length=20, default="it's 100% missing")),
        migrations.AlterField("bird", "wings", models.FloatField(default=2.5)),
    ]
