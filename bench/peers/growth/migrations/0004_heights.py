from django.db import migrations


def no_plant_is_below_the_ground(apps, schema_editor):
    plants = apps.get_model("growth", "Plant").objects.using(schema_editor.connection.alias)
    plants.filter(height__lt=0).update(height=0)


class Migration(migrations.Migration):
    """Looks at rows, so that it cannot be replayed."""

    dependencies = [("growth", "0003_care")]

    operations = [migrations.RunPython(no_plant_is_below_the_ground, migrations.RunPython.noop)]
