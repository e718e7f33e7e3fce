-- Many rows in the lists that are short in life.
-- `{rows}` and its like are filled in by bench/warehouse.py; braces of SQL are doubled.

CREATE TEMPORARY TABLE made ON COMMIT DROP AS SELECT n, uuidv7() AS id FROM generate_series(1, {rows}) n;

INSERT INTO products_category (id, created_at, updated_at, name, slug)
       SELECT id, now() - make_interval(secs => n), now(), 'Shelf ' || n, 'shelf-' || n FROM made;

INSERT INTO products_location (id, created_at, updated_at, code, name, address, is_default)
       SELECT id, now(), now() - make_interval(secs => n), 'L' || n, 'Store ' || n, '', false FROM made;

INSERT INTO webhooks_endpoint (id, created_at, updated_at, url, description, event_types, state, disabled_reason, secret,
           previous_secret, is_slow)
       SELECT id, now() - make_interval(secs => n), now(), 'https://shop.example/' || n, '', ARRAY['*'],
              CASE WHEN n % 1000 = 1 THEN 'active' ELSE 'paused' END, '', 'x', '', false FROM made;

INSERT INTO users_apitoken (id, created_at, updated_at, name, prefix, digest, scopes, created_by_id, revoked_at)
       SELECT made.id, now() - make_interval(secs => n), now(), 'Token ' || n, 'p' || n, 'digest-' || n, '{{}}', users_user.id,
              CASE WHEN n % 2 = 0 THEN now() END FROM made, users_user;

INSERT INTO users_user (id, created_at, updated_at, email, name, role, password, is_active)
       SELECT id, now() - make_interval(secs => n), now(), 'person-' || n || '@shop.example', 'Person ' || n, 'viewer', '!',
              n % 1000 <> 1 FROM made;

INSERT INTO orders_taxrule (id, created_at, updated_at, country, region, tax_class, rate, name, valid_from)
       SELECT id, now() - make_interval(secs => n), now(), chr(65 + n / 26 % 26) || chr(65 + n % 26), 'Region ' || n,
              'standard', 19, 'VAT', now() FROM made;
