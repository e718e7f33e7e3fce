from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('trade', '0010_api_tokens'),
    ]

    operations = [
        migrations.CreateModel(
            name='AuditEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(auto_now_add=True)),
                ('actor', models.CharField(max_length=254)),
                ('verb', models.CharField(max_length=64)),
                ('target_id', models.CharField(db_index=True, max_length=64)),
                ('data', models.JSONField(default=dict)),
            ],
        ),
    ]
