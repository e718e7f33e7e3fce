from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("zoo", "0055_sql")]

    operations = [
        migrations.RunSQL([("INSERT INTO zoo_report (id, word) VALUES (%s, %s), (3, '100%%')", [2, "it's \"50%\" wet"])], migrations.RunSQL.noop),
    ]
