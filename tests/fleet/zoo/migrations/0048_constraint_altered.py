from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("zoo", "0047_exclusion")]

    operations = [
        migrations.AlterConstraint("cage", "zoo_cage_named", models.CheckConstraint(condition=~Q(name=""), name="zoo_cage_named", violation_error_message="Give it a name.")),
    ]
