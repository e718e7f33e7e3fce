"""The doctor's questions to the catalog, each about all schemas of tenants at once."""

from typing import Final

OWN: Final = "the schema's own role"
# As `tenants.context` allows them; and as they are made, for roles, which are the whole server's.
SCHEMAS: Final = "'^t_[a-z0-9]{4,40}$'"
MADE: Final = "'^t_[a-z2-7]{16}$'"

MOMENT: Final = """
SELECT current_user::text,
       EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = 0 AND objid = %(lock)s AND granted
                  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())),
       (SELECT applied FROM fleet_baseline WHERE id = 1), (SELECT fingerprint FROM fleet_baseline WHERE id = 1)"""
LEDGER: Final = """
    SELECT name, tenant_id, state, applied, fingerprint, halfway, failure FROM fleet_schema ORDER BY name"""
CLIENTS: Final = "SELECT schema_name, id FROM {table} ORDER BY schema_name"
STANDING: Final = f"""
SELECT oid, nspname, nspowner::regrole::text FROM pg_namespace WHERE nspname ~ {SCHEMAS} ORDER BY nspname"""

ROLES: Final = f"""
SELECT rolname, array_remove(ARRAY[
           CASE WHEN rolcanlogin THEN 'LOGIN' END, CASE WHEN rolinherit THEN 'INHERIT' END,
           CASE WHEN rolcreaterole THEN 'CREATEROLE' END, CASE WHEN rolcreatedb THEN 'CREATEDB' END,
           CASE WHEN rolsuper THEN 'SUPERUSER' END, CASE WHEN rolreplication THEN 'REPLICATION' END,
           CASE WHEN rolbypassrls THEN 'BYPASSRLS' END], NULL)
  FROM pg_roles WHERE rolname ~ {SCHEMAS} ORDER BY rolname"""
# Roles are the server's: what has rights in another database is that database's.
USED_ELSEWHERE: Final = f"""
SELECT DISTINCT r.rolname FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid
 WHERE d.refclassid = 'pg_authid'::regclass AND r.rolname ~ {SCHEMAS}
   AND d.dbid NOT IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))"""
MEMBERSHIPS: Final = f"""
SELECT r.rolname, m.rolname, bool_or(a.inherit_option), bool_or(a.set_option), bool_or(a.admin_option),
       bool_and(g.rolname = current_user)
  FROM pg_auth_members a JOIN pg_roles r ON r.oid = a.roleid JOIN pg_roles m ON m.oid = a.member
  JOIN pg_roles g ON g.oid = a.grantor
 WHERE r.rolname ~ {SCHEMAS} OR m.rolname ~ {SCHEMAS} GROUP BY 1, 2 ORDER BY 1, 2"""

INVALID: Final = """
SELECT n.nspname, x.relname
  FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_namespace n ON n.oid = x.relnamespace
 WHERE NOT (i.indisvalid AND i.indisready) AND n.oid = ANY(%(homes)s) ORDER BY 1, 2"""
UNVALIDATED: Final = """
SELECT n.nspname, t.relname, c.conname
  FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace JOIN pg_class t ON t.oid = c.conrelid
 WHERE NOT c.convalidated AND n.oid = ANY(%(homes)s) ORDER BY 1, 2, 3"""
OWNERS: Final = """
SELECT n.nspname, c.relname, c.relowner::regrole::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.relowner <> current_user::regrole
   AND n.oid = ANY(%(homes)s) ORDER BY 1, 2"""
# Foreign keys between two schemas, under the name of each end that is a tenant's.
KEYS_BETWEEN: Final = """
SELECT s.nspname, format('constraint %%s on table %%s.%%s', c.conname, h.nspname, t.relname),
       format('table %%s.%%s', f.nspname, r.relname)
  FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid JOIN pg_namespace h ON h.oid = t.relnamespace
  JOIN pg_class r ON r.oid = c.confrelid JOIN pg_namespace f ON f.oid = r.relnamespace
 CROSS JOIN LATERAL (VALUES (h.oid, h.nspname), (f.oid, f.nspname)) s (oid, nspname)
 WHERE c.contype = 'f' AND t.relnamespace <> r.relnamespace AND s.oid = ANY(%(homes)s) ORDER BY 1, 2"""

# A number for the objects of each schema and one for their owners and rights. Equal objects have equal numbers, with
# nothing printed: what an expression means stands in the catalog as a tree. A tree that names an object of the schema
# itself makes the schema a group of its own, which costs time and hides nothing. Whatever `baseline.CATALOG` lists has
# to be in here.
DIGESTS: Final = """
WITH object (home, line) AS (
    SELECT relnamespace, concat_ws(' ', 'r', relname, relkind, relpersistence, relreplident, relrowsecurity,
           relforcerowsecurity, relispartition, reloptions, reltablespace)
      FROM pg_class WHERE relnamespace = ANY(%(homes)s) AND relkind NOT IN ('i', 'I', 't')
    UNION ALL
    SELECT t.relnamespace, concat_ws(' ', 'c', t.relname, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull,
           a.attidentity, a.attgenerated, a.attcollation, a.attstorage, a.attcompression, a.attstattarget, a.attoptions,
           d.adbin)
      FROM pg_class t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
      LEFT JOIN pg_attrdef d ON d.adrelid = t.oid AND d.adnum = a.attnum
     WHERE t.relnamespace = ANY(%(homes)s) AND t.relkind NOT IN ('i', 'I', 't')
    UNION ALL
    SELECT c.connamespace, concat_ws(' ', 'k', t.relname, c.conname, c.contype, c.convalidated, c.condeferrable,
           c.condeferred, c.connoinherit, c.conkey, f.relname, nullif(f.relnamespace, c.connamespace), c.confkey,
           c.confupdtype, c.confdeltype, c.confmatchtype, c.confdelsetcols, c.conexclop, {enforced} c.conbin)
      FROM pg_constraint c LEFT JOIN pg_class t ON t.oid = c.conrelid LEFT JOIN pg_class f ON f.oid = c.confrelid
     WHERE c.connamespace = ANY(%(homes)s)
    UNION ALL
    SELECT x.relnamespace, concat_ws(' ', 'i', x.relname, t.relname, x.relam, x.reloptions, x.reltablespace,
           i.indisvalid, i.indisready, i.indisreplident, i.indisclustered, i.indisunique, i.indisprimary,
           i.indimmediate, i.indnullsnotdistinct, i.indnkeyatts, i.indkey, i.indclass, i.indcollation, i.indoption,
           i.indexprs, i.indpred)
      FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
     WHERE x.relnamespace = ANY(%(homes)s)
    UNION ALL
    SELECT t.relnamespace, concat_ws(' ', 'q', t.relname, s.seqtypid, s.seqstart, s.seqincrement, s.seqmax, s.seqmin,
           s.seqcache, s.seqcycle, d.deptype, o.relname, d.refobjsubid)
      FROM pg_sequence s JOIN pg_class t ON t.oid = s.seqrelid
      LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = t.oid AND d.objsubid = 0
                           AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
      LEFT JOIN pg_class o ON o.oid = d.refobjid
     WHERE t.relnamespace = ANY(%(homes)s)
    UNION ALL
    SELECT t.relnamespace, concat_ws(' ', 'g', t.relname, g.tgname, g.tgfoid, g.tgtype, g.tgenabled, g.tgargs, g.tgqual)
      FROM pg_trigger g JOIN pg_class t ON t.oid = g.tgrelid
     WHERE t.relnamespace = ANY(%(homes)s) AND NOT g.tgisinternal
    UNION ALL
    SELECT t.relnamespace, concat_ws(' ', 'u', t.relname, r.rulename, r.ev_type, r.is_instead, r.ev_qual, r.ev_action)
      FROM pg_rewrite r JOIN pg_class t ON t.oid = r.ev_class WHERE t.relnamespace = ANY(%(homes)s)
    UNION ALL
    SELECT t.relnamespace, concat_ws(' ', 'p', t.relname, to_jsonb(p) - 'oid' - 'polrelid')
      FROM pg_policy p JOIN pg_class t ON t.oid = p.polrelid WHERE t.relnamespace = ANY(%(homes)s)
    UNION ALL
    SELECT t.relnamespace, concat_ws(' ', 'd', t.relname, d.objsubid, d.description)
      FROM pg_description d JOIN pg_class t ON d.classoid = 'pg_class'::regclass AND t.oid = d.objoid
     WHERE t.relnamespace = ANY(%(homes)s)
    UNION ALL
    SELECT c.connamespace, concat_ws(' ', 'dk', t.relname, c.conname, d.description)
      FROM pg_description d JOIN pg_constraint c ON d.classoid = 'pg_constraint'::regclass AND c.oid = d.objoid
      LEFT JOIN pg_class t ON t.oid = c.conrelid WHERE c.connamespace = ANY(%(homes)s)
    UNION ALL
    SELECT collnamespace, concat_ws(' ', 'l', to_jsonb(l) - 'oid' - 'collnamespace')
      FROM pg_collation l WHERE collnamespace = ANY(%(homes)s)
    UNION ALL
    SELECT pronamespace, concat_ws(' ', 'f', to_jsonb(p) - 'oid' - 'pronamespace' - 'proacl')
      FROM pg_proc p WHERE pronamespace = ANY(%(homes)s)
    UNION ALL
    SELECT s.stxnamespace, concat_ws(' ', 's', t.relname, to_jsonb(s) - 'oid' - 'stxnamespace' - 'stxrelid')
      FROM pg_statistic_ext s JOIN pg_class t ON t.oid = s.stxrelid WHERE s.stxnamespace = ANY(%(homes)s)
    UNION ALL
    SELECT typnamespace, concat_ws(' ', 't', typname, typtype, typbasetype, typtypmod, typnotnull, typdefault)
      FROM pg_type WHERE typnamespace = ANY(%(homes)s) AND typrelid = 0 AND typcategory <> 'A'
    UNION ALL
    SELECT y.typnamespace, concat_ws(' ', 'e', y.typname, e.enumsortorder, e.enumlabel)
      FROM pg_enum e JOIN pg_type y ON y.oid = e.enumtypid WHERE y.typnamespace = ANY(%(homes)s)),
rights (home, line) AS (
    SELECT oid, concat_ws(' ', 'n', nspowner, replace(nspacl::text, nspname, 'own'))
      FROM pg_namespace WHERE oid = ANY(%(homes)s)
    UNION ALL
    SELECT t.relnamespace, concat_ws(' ', 'r', t.relname, t.relowner, replace(t.relacl::text, n.nspname, 'own'))
      FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace
     WHERE t.relnamespace = ANY(%(homes)s) AND t.relkind NOT IN ('i', 'I', 't')
    UNION ALL
    SELECT t.relnamespace, concat_ws(' ', 'c', t.relname, a.attname, replace(a.attacl::text, n.nspname, 'own'))
      FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid JOIN pg_namespace n ON n.oid = t.relnamespace
     WHERE a.attacl IS NOT NULL AND t.relnamespace = ANY(%(homes)s))
SELECT home, true, bit_xor(hashtextextended(line, 0)), count(*) FROM object GROUP BY home
 UNION ALL SELECT home, false, bit_xor(hashtextextended(line, 0)), count(*) FROM rights GROUP BY home"""

# What a few schemas' objects stand on in other schemas; keys are asked for above, extensions are everybody's.
OUTWARD: Final = """
WITH home AS (SELECT oid, nspname FROM pg_namespace WHERE nspname = ANY(%s)),
relation AS (SELECT c.oid, h.nspname FROM pg_class c JOIN home h ON h.oid = c.relnamespace),
object (class, oid, home) AS (
    SELECT 'pg_class'::regclass, oid, nspname FROM relation
    UNION ALL SELECT 'pg_attrdef'::regclass, d.oid, r.nspname FROM pg_attrdef d JOIN relation r ON r.oid = d.adrelid
    UNION ALL SELECT 'pg_trigger'::regclass, g.oid, r.nspname FROM pg_trigger g JOIN relation r ON r.oid = g.tgrelid
     WHERE NOT g.tgisinternal
    UNION ALL SELECT 'pg_rewrite'::regclass, w.oid, r.nspname FROM pg_rewrite w JOIN relation r ON r.oid = w.ev_class
    UNION ALL SELECT 'pg_constraint'::regclass, c.oid, r.nspname
      FROM pg_constraint c JOIN relation r ON r.oid = c.conrelid WHERE c.contype <> 'f'
    UNION ALL SELECT 'pg_proc'::regclass, p.oid, h.nspname FROM pg_proc p JOIN home h ON h.oid = p.pronamespace
    UNION ALL SELECT 'pg_type'::regclass, y.oid, h.nspname FROM pg_type y JOIN home h ON h.oid = y.typnamespace)
SELECT DISTINCT o.home, pg_describe_object(d.classid, d.objid, d.objsubid),
       pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid)
  FROM object o JOIN pg_depend d ON d.classid = o.class AND d.objid = o.oid
 CROSS JOIN LATERAL pg_identify_object(d.refclassid, d.refobjid, d.refobjsubid) it
 WHERE d.refclassid <> 'pg_namespace'::regclass AND it.schema IS NOT NULL
   AND it.schema <> o.home AND it.schema NOT IN ('pg_catalog', 'pg_toast', 'ext', 'information_schema')
 ORDER BY 1, 2, 3"""

GRANTS: Final = f"""
WITH home AS (SELECT oid, nspname, nspowner, nspacl FROM pg_namespace WHERE nspname = ANY(%s)),
relation AS (SELECT c.*, h.nspname FROM pg_class c JOIN home h ON h.oid = c.relnamespace
              WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')),
given (schema, sort, tbl, col, owner, acl) AS (
    SELECT nspname, 'SCHEMA', '', '', nspowner, nspacl FROM home
    UNION ALL SELECT nspname, CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, relname, '', relowner, relacl
                FROM relation
    UNION ALL SELECT t.nspname, 'TABLE', t.relname, a.attname, t.relowner, a.attacl
                FROM relation t JOIN pg_attribute a ON a.attrelid = t.oid WHERE a.attacl IS NOT NULL)
SELECT g.schema, g.sort, g.tbl, g.col,
       CASE WHEN e.grantee = 0 THEN 'PUBLIC' WHEN r.rolname = g.schema THEN '{OWN.replace("'", "''")}'
            ELSE coalesce(r.rolname, e.grantee::text) END, e.privilege_type, e.is_grantable
  FROM given g CROSS JOIN LATERAL aclexplode(g.acl) e LEFT JOIN pg_roles r ON r.oid = e.grantee
 WHERE e.grantee <> g.owner ORDER BY 1, 3, 4, 5, 6"""

PUBLIC_TABLES: Final = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
# Rights in `public` of those who should have next to none there.
PUBLIC_GRANTS: Final = f"""
SELECT 'TABLE', t.relname, e.col,
       CASE WHEN e.grantee = 0 THEN 'PUBLIC' ELSE r.rolname::text END, e.privilege_type, e.is_grantable
  FROM pg_class t CROSS JOIN LATERAL (
    SELECT '' AS col, given.* FROM aclexplode(t.relacl) given
    UNION ALL SELECT a.attname::text, given.* FROM pg_attribute a, aclexplode(a.attacl) given
     WHERE a.attrelid = t.oid AND a.attacl IS NOT NULL) e
  LEFT JOIN pg_roles r ON r.oid = e.grantee
 WHERE t.relnamespace = 'public'::regnamespace AND t.relkind IN ('r', 'p', 'v', 'm')
   AND (e.grantee = 0 OR r.rolname = ANY(%(watched)s) OR r.rolname ~ {SCHEMAS}) ORDER BY 1, 3, 4, 5"""


def rows_of(schema: str, tables: frozenset[str]) -> str:
    """What a schema's own tables say, next to what the ledger says at the same moment; NULL for a table it lacks."""
    names = "string_agg(app || '.' || name, ',' ORDER BY app, name)"
    migrations = f'(SELECT md5({names}) FROM "{schema}".django_migrations)'
    sentinels = f'ARRAY(SELECT tenant_id FROM "{schema}".tenants_sentinel ORDER BY 1)'
    return (
        f"SELECT '{schema}', {migrations if 'django_migrations' in tables else 'NULL'},"
        f" {sentinels if 'tenants_sentinel' in tables else 'NULL::uuid[]'},"
        f" (SELECT applied FROM public.fleet_schema WHERE name = '{schema}'),"
        f" (SELECT fingerprint FROM public.fleet_schema WHERE name = '{schema}')"
    )
