from django.contrib.postgres import operations as pg
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("zoo", "0029_comments")]

    operations = [
        pg.CreateCollation("plain", "C"),
    ]
