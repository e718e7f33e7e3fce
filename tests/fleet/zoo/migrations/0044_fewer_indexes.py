from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("zoo", "0043_indexes")]

    operations = [
        migrations.RemoveIndex("animal", "zoo_animal_sound"),
        migrations.RenameIndex("animal", new_name="zoo_animal_age", old_name="zoo_animal_tame"),
    ]
