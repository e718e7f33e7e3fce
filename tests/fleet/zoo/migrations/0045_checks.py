from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("zoo", "0044_fewer_indexes")]

    operations = [
        migrations.AddConstraint("animal", models.CheckConstraint(condition=Q(legs__gte=0) & Q(legs__lte=1000), name="zoo_animal_legs_count")),
        migrations.AddConstraint("animal", models.CheckConstraint(condition=Q(mood__in=["calm", "it's 5%", "wild"]), name="zoo_animal_moods")),
        migrations.AddConstraint("cage", models.CheckConstraint(condition=~Q(name=""), name="zoo_cage_named", violation_error_message="Name it.")),
    ]
