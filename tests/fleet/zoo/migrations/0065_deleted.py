from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("zoo", "0064_removed")]

    operations = [
        migrations.DeleteModel("Doomed"),
        migrations.DeleteModel("Weather"),
        migrations.DeleteModel("Guest"),
    ]
