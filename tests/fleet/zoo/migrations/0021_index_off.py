from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("zoo", "0020_index_on")]

    operations = [
        migrations.AlterField("animal", "born", models.DateField(null=True)),
    ]
