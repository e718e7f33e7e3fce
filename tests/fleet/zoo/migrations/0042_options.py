from django.db import migrations

from tests.fleet.zoo.managers import KeeperManager


class Migration(migrations.Migration):
    dependencies = [("zoo", "0041_unordered")]

    operations = [
        migrations.AlterModelOptions("keeper", {"ordering": ["name"], "verbose_name": "attendant"}),
        migrations.AlterModelManagers("keeper", [("everyone", KeeperManager())]),
    ]
