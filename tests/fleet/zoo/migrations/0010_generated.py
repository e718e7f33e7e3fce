from django.db import migrations, models
from django.db.models import F


class Migration(migrations.Migration):
    dependencies = [("zoo", "0009_auto_now")]

    operations = [
        migrations.AddField("ticket", "gross", models.GeneratedField(expression=F("price") * 2, output_field=models.DecimalField(max_digits=10, decimal_places=2), db_persist=True)),
    ]
