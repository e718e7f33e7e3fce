from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("zoo", "0019_shorter")]

    operations = [
        migrations.AlterField("animal", "name", models.CharField(max_length=100, db_index=True)),
        migrations.AlterField("animal", "born", models.DateField(null=True, db_index=True)),
    ]
