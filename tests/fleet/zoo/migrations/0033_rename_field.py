from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("zoo", "0032_uncollated")]

    operations = [
        migrations.RenameField("animal", "number", "cage_number"),
        migrations.RenameField("visit", "keeper", "visitor"),
        migrations.RenameField("tag", "id", "key"),
    ]
