from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("zoo", "0016_database_default_set")]

    operations = [
        migrations.AlterField("animal", "mood", models.CharField(max_length=10, default="calm")),
    ]
