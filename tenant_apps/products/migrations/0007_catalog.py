import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.constraints
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.text
import tenants.models
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

unsafe_because = {
    "AddConstraint": "The new columns are empty in all rows: the unique indexes are built from one pass over the table.",
    "AddField": "Only a rewrite of the table can fill a column that the database works out: some 5 s for 100,000 "
    "products, in which the shop's products wait.",
}


class Migration(migrations.Migration):

    dependencies = [
        ('products', '0006_stock_indexes'),
    ]

    operations = [
        migrations.CreateModel(
            name='Image',
            fields=[
                ('id', models.UUIDField(default=tenants.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('position', models.IntegerField()),
                ('alt', models.CharField(blank=True, default='', max_length=250)),
                ('width', models.IntegerField()),
                ('height', models.IntegerField()),
                ('size', models.IntegerField()),
            ],
            options={
                'ordering': ['position', 'id'],
            },
        ),
        migrations.RemoveConstraint(
            model_name='category',
            name='products_category_name_unique',
        ),
        migrations.AddField(
            model_name='category',
            name='ancestors',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), db_default=django.db.models.expressions.RawSQL("'{}'::uuid[]", ()), default=list, editable=False, size=None),
        ),
        migrations.AddField(
            model_name='category',
            name='parent',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='children', to='products.category'),
        ),
        migrations.AddField(
            model_name='product',
            name='compare_at_price',
            field=models.DecimalField(blank=True, decimal_places=2, max_digits=12, null=True),
        ),
        migrations.AddField(
            model_name='product',
            name='cost_price',
            field=models.DecimalField(blank=True, decimal_places=2, max_digits=12, null=True),
        ),
        migrations.AddField(
            model_name='product',
            name='inherits',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=20), db_default=django.db.models.expressions.RawSQL("'{}'::varchar[]", ()), default=list, size=None),
        ),
        migrations.AddField(
            model_name='product',
            name='language',
            field=models.CharField(db_default='simple', default='simple', editable=False, max_length=8),
        ),
        migrations.AddField(
            model_name='product',
            name='metadata',
            field=models.JSONField(blank=True, db_default=django.db.models.expressions.RawSQL("'{}'::jsonb", ()), default=dict),
        ),
        migrations.AddField(
            model_name='product',
            name='option_values',
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='product',
            name='options',
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='product',
            name='parent',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='variants', to='products.product'),
        ),
        migrations.AddField(
            model_name='product',
            name='tags',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), db_default=django.db.models.expressions.RawSQL("'{}'::varchar[]", ()), default=list, size=None),
        ),
        migrations.AddConstraint(
            model_name='category',
            constraint=models.UniqueConstraint(models.F('parent'), django.db.models.functions.text.Lower('name'), name='products_category_sibling_unique', nulls_distinct=False),
        ),
        AddConstraintNotValid(
            model_name='category',
            constraint=models.CheckConstraint(condition=django.db.models.expressions.RawSQL('cardinality(ancestors) < 5', (), output_field=models.BooleanField()), name='products_category_not_too_deep'),
        ),
        AddConstraintNotValid(
            model_name='category',
            constraint=models.CheckConstraint(condition=django.db.models.expressions.RawSQL('NOT id = ANY (ancestors)', (), output_field=models.BooleanField()), name='products_category_no_cycle'),
        ),
        AddConstraintNotValid(
            model_name='category',
            constraint=models.CheckConstraint(condition=django.db.models.expressions.RawSQL('parent_id IS NOT DISTINCT FROM ancestors[cardinality(ancestors)]', (), output_field=models.BooleanField()), name='products_category_below_parent'),
        ),
        migrations.AddConstraint(
            model_name='product',
            constraint=models.UniqueConstraint(condition=models.Q(('parent__isnull', False)), fields=('parent', 'option_values'), name='products_product_variant_unique'),
        ),
        AddConstraintNotValid(
            model_name='product',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('option_values__isnull', True), ('parent__isnull', True)), models.Q(('option_values__isnull', False), ('options__isnull', True), ('parent__isnull', False)), _connector='OR'), name='products_product_one_level'),
        ),
        AddConstraintNotValid(
            model_name='product',
            constraint=models.CheckConstraint(condition=django.db.models.expressions.RawSQL('options IS NULL OR jsonb_array_length(options) <= 3 AND on_hand = 0 AND reserved = 0', (), output_field=models.BooleanField()), name='products_product_parent_unstocked'),
        ),
        AddConstraintNotValid(
            model_name='product',
            constraint=models.CheckConstraint(condition=models.Q(('language__in', ['simple', 'da', 'de', 'en', 'es', 'fi', 'fr', 'hu', 'it', 'nl', 'no', 'pt', 'ro', 'ru', 'sv', 'tr'])), name='products_product_language_known'),
        ),
        AddConstraintNotValid(
            model_name='product',
            constraint=models.CheckConstraint(condition=models.Q(('compare_at_price__isnull', True), ('compare_at_price__gte', 0), _connector='OR'), name='products_product_compare_at_positive'),
        ),
        AddConstraintNotValid(
            model_name='product',
            constraint=models.CheckConstraint(condition=models.Q(('cost_price__isnull', True), ('cost_price__gte', 0), _connector='OR'), name='products_product_cost_positive'),
        ),
        migrations.AddField(
            model_name='image',
            name='product',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='images', to='products.product'),
        ),
        migrations.AddField(
            model_name='product',
            name='search',
            field=models.GeneratedField(db_persist=True, expression=django.db.models.expressions.RawSQL("setweight(to_tsvector('ext.rowhouse_simple', translate(sku, '-_./\\@:&+#,;''()[]', '                 ')), 'A') || setweight(to_tsvector('ext.rowhouse_simple', translate(name, '-_./\\@:&+#,;''()[]', '                 ')), 'A') || setweight(to_tsvector(CASE language WHEN 'da' THEN 'ext.rowhouse_da'::regconfig WHEN 'de' THEN 'ext.rowhouse_de'::regconfig WHEN 'en' THEN 'ext.rowhouse_en'::regconfig WHEN 'es' THEN 'ext.rowhouse_es'::regconfig WHEN 'fi' THEN 'ext.rowhouse_fi'::regconfig WHEN 'fr' THEN 'ext.rowhouse_fr'::regconfig WHEN 'hu' THEN 'ext.rowhouse_hu'::regconfig WHEN 'it' THEN 'ext.rowhouse_it'::regconfig WHEN 'nl' THEN 'ext.rowhouse_nl'::regconfig WHEN 'no' THEN 'ext.rowhouse_no'::regconfig WHEN 'pt' THEN 'ext.rowhouse_pt'::regconfig WHEN 'ro' THEN 'ext.rowhouse_ro'::regconfig WHEN 'ru' THEN 'ext.rowhouse_ru'::regconfig WHEN 'sv' THEN 'ext.rowhouse_sv'::regconfig WHEN 'tr' THEN 'ext.rowhouse_tr'::regconfig ELSE 'ext.rowhouse_simple'::regconfig END, translate(name, '-_./\\@:&+#,;''()[]', '                 ')), 'B') || setweight(to_tsvector(CASE language WHEN 'da' THEN 'ext.rowhouse_da'::regconfig WHEN 'de' THEN 'ext.rowhouse_de'::regconfig WHEN 'en' THEN 'ext.rowhouse_en'::regconfig WHEN 'es' THEN 'ext.rowhouse_es'::regconfig WHEN 'fi' THEN 'ext.rowhouse_fi'::regconfig WHEN 'fr' THEN 'ext.rowhouse_fr'::regconfig WHEN 'hu' THEN 'ext.rowhouse_hu'::regconfig WHEN 'it' THEN 'ext.rowhouse_it'::regconfig WHEN 'nl' THEN 'ext.rowhouse_nl'::regconfig WHEN 'no' THEN 'ext.rowhouse_no'::regconfig WHEN 'pt' THEN 'ext.rowhouse_pt'::regconfig WHEN 'ro' THEN 'ext.rowhouse_ro'::regconfig WHEN 'ru' THEN 'ext.rowhouse_ru'::regconfig WHEN 'sv' THEN 'ext.rowhouse_sv'::regconfig WHEN 'tr' THEN 'ext.rowhouse_tr'::regconfig ELSE 'ext.rowhouse_simple'::regconfig END, translate(description, '-_./\\@:&+#,;''()[]', '                 ')), 'D')", ()), output_field=django.contrib.postgres.search.SearchVectorField()),
        ),
        migrations.AddIndex(
            model_name='image',
            index=models.Index(fields=['-updated_at', '-id'], name='products_image_updated'),
        ),
        migrations.AddConstraint(
            model_name='image',
            constraint=models.UniqueConstraint(deferrable=django.db.models.constraints.Deferrable['DEFERRED'], fields=('product', 'position'), name='products_image_position_unique'),
        ),
        migrations.AddConstraint(
            model_name='image',
            constraint=models.CheckConstraint(condition=models.Q(('position__gte', 0)), name='products_image_position_positive'),
        ),
        migrations.AddConstraint(
            model_name='image',
            constraint=models.CheckConstraint(condition=models.Q(('height__gt', 0), ('size__gt', 0), ('width__gt', 0)), name='products_image_not_empty'),
        ),
    ]
