from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("growth", "0001_initial")]

    operations = [
        migrations.AddField("plant", "note", models.CharField(default="", max_length=200)),
    ]
