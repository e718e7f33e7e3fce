from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("zoo", "0039_rename_index")]

    operations = [
        migrations.AlterOrderWithRespectTo("animal", "keeper"),
        migrations.AlterOrderWithRespectTo("entry", "ticket"),
    ]
