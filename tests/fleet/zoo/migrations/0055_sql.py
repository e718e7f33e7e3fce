from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("zoo", "0054_apart")]

    operations = [
        migrations.RunSQL([
            "CREATE TABLE zoo_report (id bigint PRIMARY KEY, word text NOT NULL DEFAULT 'it''s 100% fine'); INSERT INTO zoo_report (id) VALUES (1)",
            "ALTER TABLE zoo_report ALTER word SET STORAGE EXTERNAL, ALTER word SET STATISTICS 500, ALTER word SET COMPRESSION pglz",
            "CREATE STATISTICS zoo_report_both ON id, word FROM zoo_report",
            "COMMENT ON INDEX zoo_report_pkey IS 'its key'",
            "ALTER TABLE zoo_report SET (fillfactor = 80)",
            "CREATE SEQUENCE zoo_report_seq INCREMENT 5 START 100 OWNED BY zoo_report.id",
            "CREATE VIEW zoo_words AS SELECT word FROM zoo_report",
            "CREATE TYPE zoo_size AS ENUM ('small', 'big')",
            "CREATE DOMAIN zoo_weight AS integer CHECK (VALUE > 0)",
        ], migrations.RunSQL.noop),
    ]
