from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("zoo", "0011_generated_anew")]

    operations = [
        migrations.AddField("animal", "slug", models.SlugField(null=True, unique=True)),
        migrations.AddField("animal", "number", models.IntegerField(null=True, db_index=True)),
    ]
