from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("zoo", "0022_unique_on")]

    operations = [
        migrations.AlterField("animal", "name", models.CharField(max_length=100)),
    ]
