from django.db import migrations, models


class Migration(migrations.Migration):
    run_before = [("zoo", "0064_removed")]
    dependencies = [("zoo", "0061_squashed_0062")]

    operations = [
        migrations.AlterField("keeper", "shoes", models.CharField(max_length=5, null=True)),
    ]
