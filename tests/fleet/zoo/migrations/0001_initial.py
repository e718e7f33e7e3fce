import uuid

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []

    operations = [
        migrations.CreateModel("Keeper", [
            ("id", models.UUIDField(primary_key=True, serialize=False, default=uuid.uuid4)),
            ("name", models.CharField(max_length=50)),
            ("note", models.TextField(null=True)),
            ("phone", models.CharField(max_length=20, null=True)),
        ]),
        migrations.CreateModel("Animal", [
            ("id", models.BigAutoField(primary_key=True, serialize=False)),
            ("name", models.CharField(max_length=50)),
            ("legs", models.IntegerField()),
            ("born", models.DateField(null=True)),
            ("keeper", models.ForeignKey("zoo.Keeper", models.CASCADE, related_name="animals")),
            ("favourite", models.ForeignKey("zoo.Keeper", models.SET_NULL, null=True, related_name="+")),
        ]),
        migrations.CreateModel("Tag", [
            ("id", models.UUIDField(primary_key=True, serialize=False, default=uuid.uuid4)),
            ("word", models.CharField(max_length=30)),
        ]),
        migrations.CreateModel("Ticket", [
            ("id", models.AutoField(primary_key=True, serialize=False)),
            ("price", models.DecimalField(max_digits=8, decimal_places=2)),
            ("code", models.CharField(max_length=12)),
        ]),
        migrations.CreateModel("TicketUse", [
            ("id", models.UUIDField(primary_key=True, serialize=False, default=uuid.uuid4)),
            ("ticket", models.ForeignKey("zoo.Ticket", models.CASCADE)),
            ("at", models.DateTimeField()),
        ]),
        migrations.CreateModel("Cage", [
            ("id", models.SmallAutoField(primary_key=True, serialize=False)),
            ("name", models.CharField(max_length=50)),
            ("row", models.SmallIntegerField()),
            ("length", models.FloatField()),
        ], options={"index_together": {("name", "row")}, "db_table_comment": "where they sleep"}),
        migrations.CreateModel("Doomed", [
            ("id", models.BigAutoField(primary_key=True, serialize=False)),
            ("animal", models.ForeignKey("zoo.Animal", models.CASCADE)),
        ]),
    ]
