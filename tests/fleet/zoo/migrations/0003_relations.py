from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("zoo", "0002_kinds"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.AddField("animal", "mother", models.ForeignKey("zoo.animal", models.SET_NULL, null=True, related_name="children")),
        migrations.AddField("animal", "tags", models.ManyToManyField("zoo.Tag")),
        migrations.AddField("animal", "friends", models.ManyToManyField("zoo.animal")),
        migrations.AddField("keeper", "user", models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")),
        migrations.AddField("keeper", "deputy", models.OneToOneField("self", models.SET_NULL, null=True)),
        migrations.AddField("cage", "guard", models.ForeignKey("zoo.Keeper", models.DO_NOTHING, null=True, db_constraint=False)),
    ]
