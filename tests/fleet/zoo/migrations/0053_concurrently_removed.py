from django.contrib.postgres import operations as pg
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("zoo", "0052_concurrently")]

    operations = [
        pg.RemoveIndexConcurrently("animal", "zoo_animal_sound_name"),
    ]
