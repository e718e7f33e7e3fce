from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("zoo", "0038_index_together")]

    operations = [
        migrations.RenameIndex("cage", new_name="zoo_cage_name_row", old_fields=("name", "row")),
        migrations.AlterIndexTogether("cage", set()),
    ]
