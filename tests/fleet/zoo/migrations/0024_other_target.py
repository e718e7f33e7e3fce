from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("zoo", "0023_unique_off")]

    operations = [
        migrations.AlterField("animal", "favourite", models.ForeignKey("zoo.Tag", models.SET_NULL, null=True, related_name="+")),
    ]
