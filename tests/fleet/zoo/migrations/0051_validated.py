from django.contrib.postgres import operations as pg
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("zoo", "0050_not_valid")]

    operations = [
        pg.ValidateConstraint("animal", "zoo_animal_age_below"),
    ]
