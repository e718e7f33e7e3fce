from django.db import migrations


def shout(apps, schema_editor):
    """Give every label's word in capitals; code that runs reads it as it is."""
    for label in apps.get_model("zoo", "Label").objects.using(schema_editor.connection.alias):
        label.word = label.word.upper()
        label.save()


class Migration(migrations.Migration):
    dependencies = [("zoo", "0056_sql_parameters")]

    operations = [
        migrations.RunPython(shout, migrations.RunPython.noop, elidable=True),
    ]
