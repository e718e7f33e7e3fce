from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("zoo", "0008_now_default")]

    operations = [
        migrations.AddField("cage", "created_at", models.DateTimeField(auto_now_add=True)),
    ]
