from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("zoo", "0058_data_apart")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL("ALTER TABLE zoo_beast_friends RENAME TO zoo_friendship", "ALTER TABLE zoo_friendship RENAME TO zoo_beast_friends")],
            state_operations=[
                migrations.CreateModel("Friendship", [
                    ("id", models.BigAutoField(primary_key=True, serialize=False)),
                    ("from_animal", models.ForeignKey("zoo.Animal", models.CASCADE, related_name="+")),
                    ("to_animal", models.ForeignKey("zoo.Animal", models.CASCADE, related_name="+")),
                ]),
                migrations.AlterField("animal", "friends", models.ManyToManyField("zoo.animal", through="zoo.Friendship")),
            ],
        ),
    ]
