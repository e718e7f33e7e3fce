from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("zoo", "0040_ordered")]

    operations = [
        migrations.AlterOrderWithRespectTo("entry", None),
    ]
