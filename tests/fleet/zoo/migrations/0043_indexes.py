from django.contrib.postgres import indexes
from django.db import migrations, models
from django.db.models import F, Q
from django.db.models.functions import Upper


class Migration(migrations.Migration):
    dependencies = [("zoo", "0042_options")]

    operations = [
        migrations.AddIndex("animal", models.Index(fields=["-legs", "name"], name="zoo_animal_legs")),
        migrations.AddIndex("animal", models.Index(fields=["born"], include=["name"], name="zoo_animal_born")),
        migrations.AddIndex("animal", models.Index(fields=["age"], condition=Q(tame=True) & ~Q(name="it's 100%"), name="zoo_animal_tame")),
        migrations.AddIndex("animal", models.Index(Upper("name"), F("legs").desc(nulls_last=True), name="zoo_animal_upper")),
        migrations.AddIndex("animal", models.Index(fields=["sound"], opclasses=["varchar_pattern_ops"], name="zoo_animal_sound")),
        migrations.AddIndex("animal", indexes.GinIndex(fields=["facts"], fastupdate=False, name="zoo_animal_facts")),
        migrations.AddIndex("animal", indexes.HashIndex(fields=["mood"], fillfactor=70, name="zoo_animal_mood")),
        migrations.AddIndex("ticket", indexes.BrinIndex(fields=["sold_at"], pages_per_range=4, name="zoo_ticket_sold")),
        migrations.AddIndex("visit", indexes.GistIndex(fields=["during"], name="zoo_visit_during")),
    ]
