from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("zoo", "0048_constraint_altered")]

    operations = [
        migrations.RemoveConstraint("animal", "zoo_animal_moods"),
        migrations.RemoveConstraint("animal", "zoo_animal_upper_once"),
        migrations.RemoveConstraint("visit", "zoo_visit_keeper"),
    ]
