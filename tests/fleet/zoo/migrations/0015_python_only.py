from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("zoo", "0014_required")]

    operations = [
        migrations.AlterField("animal", "sound", models.CharField(max_length=20, default="", choices=[("", "none")], help_text="%s")),
    ]
