from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("zoo", "0034_rename_model")]

    operations = [
        migrations.AlterModelTable("cage", "zoo_enclosure"),
        migrations.AlterModelTable("animal", "zoo_beast"),
    ]
