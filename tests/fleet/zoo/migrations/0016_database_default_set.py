from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("zoo", "0015_python_only")]

    operations = [
        migrations.AlterField("animal", "mood", models.CharField(max_length=10, db_default="it's 5%")),
        migrations.AlterField("animal", "age", models.PositiveIntegerField(default=7, db_default=3)),
    ]
