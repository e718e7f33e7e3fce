from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("zoo", "0030_collation")]

    operations = [
        migrations.AlterField("cage", "name", models.TextField(db_collation="plain")),
        migrations.AddField("tag", "sorted", models.CharField(max_length=20, db_collation="C", null=True)),
    ]
