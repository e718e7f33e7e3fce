from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("zoo", "0028_table_between")]

    operations = [
        migrations.AlterField("animal", "legs", models.BigIntegerField(db_comment="it's \"counted\"")),
        migrations.AlterModelTableComment("animal", "it's who lives here"),
        migrations.AlterModelTableComment("cage", None),
        migrations.AddField("keeper", "badge", models.CharField(max_length=9, null=True, db_comment="the badge")),
    ]
