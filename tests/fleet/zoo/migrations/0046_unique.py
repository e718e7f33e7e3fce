from django.db import migrations, models
from django.db.models import Q
from django.db.models.functions import Upper


class Migration(migrations.Migration):
    dependencies = [("zoo", "0045_checks")]

    operations = [
        migrations.AddConstraint("animal", models.UniqueConstraint(fields=["name", "keeper"], name="zoo_animal_once")),
        migrations.AddConstraint("animal", models.UniqueConstraint(fields=["name"], condition=Q(tame=True), include=["age"], name="zoo_animal_tame_once")),
        migrations.AddConstraint("animal", models.UniqueConstraint(Upper("name"), "keeper", name="zoo_animal_upper_once")),
        migrations.AddConstraint("cage", models.UniqueConstraint(fields=["row", "length"], deferrable=models.Deferrable.DEFERRED, name="zoo_cage_place")),
        migrations.AddConstraint("label", models.UniqueConstraint(fields=["sorted", "word"], nulls_distinct=False, name="zoo_label_sorted")),
    ]
