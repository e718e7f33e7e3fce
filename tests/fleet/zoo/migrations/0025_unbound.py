from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("zoo", "0024_other_target")]

    operations = [
        migrations.AlterField("animal", "favourite", models.ForeignKey("zoo.Tag", models.SET_NULL, null=True, related_name="+", db_constraint=False)),
        migrations.AlterField("animal", "keeper", models.ForeignKey("zoo.Keeper", models.CASCADE, related_name="animals", db_index=False)),
    ]
