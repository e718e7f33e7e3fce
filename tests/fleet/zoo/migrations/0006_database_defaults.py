from django.db import migrations, models
from django.db.models import Func
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [("zoo", "0005_constant_defaults")]

    operations = [
        migrations.AddField("animal", "mood", models.CharField(max_length=10, db_default="calm")),
        migrations.AddField("ticket", "sold_at", models.DateTimeField(db_default=Now())),
        migrations.AddField("ticket", "serial", models.UUIDField(db_default=Func(function="gen_random_uuid", output_field=models.UUIDField()))),
    ]
