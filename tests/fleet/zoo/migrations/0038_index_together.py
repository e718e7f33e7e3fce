from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("zoo", "0037_unique_together_changed")]

    operations = [
        migrations.AlterIndexTogether("cage", {("name", "row"), ("row", "length")}),
    ]
