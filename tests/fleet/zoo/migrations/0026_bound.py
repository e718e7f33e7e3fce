from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("zoo", "0025_unbound")]

    operations = [
        migrations.AlterField("animal", "favourite", models.ForeignKey("zoo.Tag", models.SET_NULL, null=True, related_name="+")),
    ]
