from django.db import migrations
from django.db.models.functions import Lower


def whisper(apps, schema_editor):
    """Give every animal's sound in small letters; can be repeated."""
    animals = apps.get_model("zoo", "Animal").objects.using(schema_editor.connection.alias)
    animals.update(sound=Lower("sound"))


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("zoo", "0057_data")]

    operations = [
        migrations.RunPython(whisper, migrations.RunPython.noop),
    ]
