from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("zoo", "0061_squashed_0062")]

    operations = [
        migrations.RemoveField("animal", "visitors"),
        migrations.RemoveField("animal", "cage_number"),
        migrations.RemoveField("animal", "tags"),
        migrations.RemoveField("animal", "slug"),
        migrations.RemoveField("keeper", "deputy"),
    ]
