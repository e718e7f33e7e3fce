from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("zoo", "0018_longer")]

    operations = [
        migrations.AlterField("animal", "name", models.CharField(max_length=100)),
    ]
