from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("zoo", "0021_index_off")]

    operations = [
        migrations.AlterField("animal", "name", models.CharField(max_length=100, unique=True)),
        migrations.AlterField("tag", "word", models.CharField(max_length=30, unique=True)),
    ]
