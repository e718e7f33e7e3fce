import django.db.models.deletion
from django.conf import settings
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("users", "0002_sign_ins"),
    ]

    operations = [
        migrations.AddField(
            model_name="apitoken",
            name="person",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                help_text="whose it is; nobody's when it is a service account",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="personal_tokens",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="generation",
            field=models.CharField(
                db_default="", default="", help_text="of the person's password", max_length=16
            ),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="previous_digest",
            field=models.CharField(blank=True, max_length=64, null=True),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="previous_until",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="rotated_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        AddConstraintNotValid(
            model_name="apitoken",
            constraint=models.CheckConstraint(
                condition=models.Q(previous_digest=None, previous_until=None)
                | models.Q(previous_digest__isnull=False, previous_until__isnull=False),
                name="users_apitoken_overlap",
            ),
        ),
    ]
