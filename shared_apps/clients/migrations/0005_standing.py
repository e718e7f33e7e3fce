from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

ACCESSES = ["full", "grace", "read_only", "closed"]
LABELS = ["Full", "Full, for a time of grace", "Read-only", "Closed but for its bills"]


class Migration(migrations.Migration):

    dependencies = [
        ("clients", "0004_statuses_validated"),
    ]

    operations = [
        migrations.AlterField(
            model_name="client", name="plan", field=models.CharField(default="free", max_length=16)
        ),
        migrations.AddField(
            model_name="client",
            name="plan_version",
            field=models.SmallIntegerField(default=1, db_default=1),
        ),
        migrations.AddField(
            model_name="client",
            name="trial_ends_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="client",
            name="access",
            field=models.CharField(
                choices=list(zip(ACCESSES, LABELS, strict=True)),
                default="full",
                db_default="full",
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="client",
            name="access_reason",
            field=models.CharField(blank=True, default="", db_default="", max_length=300),
        ),
        migrations.AddField(
            model_name="client",
            name="access_since",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="client",
            name="access_until",
            field=models.DateTimeField(blank=True, null=True),
        ),
        AddConstraintNotValid(
            model_name="client",
            constraint=models.CheckConstraint(
                condition=models.Q(access__in=ACCESSES), name="clients_client_access_known"
            ),
        ),
        AddConstraintNotValid(
            model_name="client",
            constraint=models.CheckConstraint(
                condition=models.Q(plan_version__gte=1), name="clients_client_plan_version_counts"
            ),
        ),
    ]
