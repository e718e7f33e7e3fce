from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("zoo", "0026_bound")]

    operations = [
        migrations.AlterField("ticket", "id", models.BigAutoField(primary_key=True, serialize=False)),
    ]
