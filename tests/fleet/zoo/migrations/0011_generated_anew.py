from django.db import migrations, models
from django.db.models import F


class Migration(migrations.Migration):
    dependencies = [("zoo", "0010_generated")]

    operations = [
        migrations.RemoveField("ticket", "gross"),
        migrations.AddField("ticket", "gross", models.GeneratedField(expression=F("price") * 3, output_field=models.DecimalField(max_digits=12, decimal_places=2), db_persist=True)),
    ]
