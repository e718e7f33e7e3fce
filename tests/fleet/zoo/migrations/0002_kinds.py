from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("zoo", "0001_initial")]

    operations = [
        migrations.CreateModel("Guest", [], options={"proxy": True}, bases=("zoo.keeper",)),
        migrations.CreateModel("Weather", [("id", models.IntegerField(primary_key=True, serialize=False))], options={"managed": False}),
        migrations.CreateModel("Bird", [
            ("animal_ptr", models.OneToOneField("zoo.Animal", models.CASCADE, auto_created=True, parent_link=True, primary_key=True, serialize=False)),
            ("wings", models.FloatField(null=True)),
        ], bases=("zoo.animal",)),
    ]
