from django.contrib.postgres import indexes
from django.contrib.postgres import operations as pg
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("zoo", "0059_separate")]

    operations = [
        pg.CreateExtension("fuzzystrmatch"),
        pg.BloomExtension(),
        pg.BtreeGinExtension(),
        pg.BtreeGistExtension(),
        pg.CITextExtension(),
        pg.HStoreExtension(),
        pg.TrigramExtension(),
        pg.UnaccentExtension(),
        migrations.AddIndex("label", indexes.GinIndex(fields=["word"], opclasses=["gin_trgm_ops"], name="zoo_label_similar")),
    ]
