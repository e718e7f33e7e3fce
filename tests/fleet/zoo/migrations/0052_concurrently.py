from django.contrib.postgres import operations as pg
from django.db import migrations, models
from django.db.models.functions import Upper


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("zoo", "0051_validated")]

    operations = [
        pg.AddIndexConcurrently("animal", models.Index(fields=["sound", "name"], name="zoo_animal_sound_name")),
        pg.AddIndexConcurrently("label", models.Index(Upper("word"), name="zoo_label_upper")),
    ]
