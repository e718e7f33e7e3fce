from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("zoo", "0035_table")]

    operations = [
        migrations.AlterUniqueTogether("cage", {("name", "row"), ("row", "key")}),
    ]
