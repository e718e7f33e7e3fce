from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("zoo", "0036_unique_together")]

    operations = [
        migrations.AlterUniqueTogether("cage", {("row", "key")}),
    ]
