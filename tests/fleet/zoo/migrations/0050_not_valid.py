from django.contrib.postgres import operations as pg
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("zoo", "0049_fewer_constraints")]

    operations = [
        pg.AddConstraintNotValid("animal", models.CheckConstraint(condition=Q(age__lt=500), name="zoo_animal_age_below")),
        pg.AddConstraintNotValid("ticket", models.CheckConstraint(condition=Q(price__gte=0), name="zoo_ticket_price")),
    ]
