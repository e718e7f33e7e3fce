from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("zoo", "0033_rename_field")]

    operations = [
        migrations.RenameModel("Tag", "Label"),
        migrations.RenameModel("TicketUse", "Entry"),
    ]
