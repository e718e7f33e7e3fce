-- A shop with so many rows in every list. What is of the same number has the same id where tables are apart.
-- `{rows}` and its like are filled in by bench/warehouse.py; braces of SQL are doubled.

CREATE TEMPORARY TABLE words ON COMMIT DROP AS SELECT
        '{{Heavy,Light,Foldable,Rustic,Polished,Matte,Padded,Woven,Slim,Sturdy,Compact,Insulated,Vintage}}'::text[] a,
        '{{Cotton,Oak,Steel,Leather,Linen,Bamboo,Glass,Marble,Copper,Velvet,Walnut,Ceramic,Felt,Wool,Rattan}}'::text[] b,
        '{{Teapot,Lamp,Chair,Blanket,Shelf,Mirror,Basket,Cushion,Candle,Tray,Bottle,Clock,Frame,Vase,Stool,Bench,Mug,
          Kettle,Apron,Towel,Ladder,Hammer,Drill,Bucket,Rope,Lantern,Tent,Hammock,Notebook,Pencil}}'::text[] c,
        '{{Schwere,Leichte,Klappbare,Rustikale,Polierte,Matte,Gepolsterte,Gewebte,Schmale,Robuste,Kompakte}}'::text[] d,
        '{{Teekanne,Stehlampe,Wolldecke,Wanduhr,Gartenbank,Vogelhäuser,Kerzenständer,Wasserflasche,Schürze,Leiter,
          Laterne,Hängematte,Bücherregal,Spiegelrahmen,Obstschale,Türmatte,Gießkanne,Brotkästen,Hocker}}'::text[] e,
        '{{Ada,Grace,Alan,Edsger,Barbara,Donald,Katherine,Linus,Margaret,Niklaus,Radia,Tim,Jürgen,Käthe,Søren}}'::text[] f,
        '{{Lovelace,Hopper,Turing,Dijkstra,Liskov,Knuth,Johnson,Hamilton,Wirth,Perlman,Lee,Müller,Schäfer,Becker,
          Fischer,Weber,Wagner,Hoffmann,Koch,Bauer,Richter,Klein,Wolf,Neumann,Schwarz,Zimmermann,Braun}}'::text[] g,
        '{{example,mail,post,shop,office}}'::text[] h;

CREATE TEMPORARY TABLE made ON COMMIT DROP AS SELECT n, uuidv7() AS id FROM generate_series(1, {rows}) n;

CREATE INDEX ON made (n);

CREATE TEMPORARY TABLE kinds ON COMMIT DROP AS
    SELECT kind, uuidv7() AS kind_id FROM generate_series(0, {categories} - 1) kind;

CREATE TEMPORARY TABLE places ON COMMIT DROP AS
       SELECT place, CASE place WHEN 0 THEN '{first}'::uuid ELSE uuidv7() END AS place_id FROM generate_series(0, {locations} - 1) place;

INSERT INTO products_category (id, created_at, updated_at, name, slug, parent_id, ancestors)
       SELECT k.kind_id, now(), now(), 'Shelf ' || k.kind, 'shelf-' || k.kind, up.kind_id,
              CASE WHEN up.kind IS NULL THEN '{{}}' ELSE ARRAY[up.kind_id] END
         FROM kinds k LEFT JOIN kinds up ON up.kind = k.kind % 20 AND k.kind >= 20 ORDER BY k.kind;

INSERT INTO products_location (id, created_at, updated_at, code, name, address, is_default)
       SELECT place_id, now(), now(), 'L' || place, 'Store ' || place, '', false FROM places WHERE place > 0;

INSERT INTO products_product (id, created_at, updated_at, sku, name, description, kind, price, currency, status,
        category_id, on_hand, reserved, low_stock_at, low_since, parent_id, options, option_values, tags, language)
    SELECT p.id, now() - make_interval(secs => ({rows} - n) * 90), now() - make_interval(secs => (n * 7919 % {rows}) * 80),
        'SKU-' || lpad(n::text, 6, '0'),
        CASE WHEN n % 33333 = 7 THEN 'Zirconium ' WHEN n % 3 = 0 THEN 'Classic ' ELSE '' END
        || CASE WHEN german THEN d[1 + n * 31 % 11] || ' ' || e[1 + n * 17 % 19]
           ELSE a[1 + n * 31 % 13] || ' ' || b[1 + n * 17 % 15] || ' ' || c[1 + n * 13 % 30] END || ' ' || n % 997,
        CASE WHEN german THEN 'Für Haus und Garten, aus der Werkstatt in ' || g[1 + n * 7 % 27] || '. Passt zu '
           || e[1 + n * 29 % 19] || ' und ' || e[1 + n * 5 % 19] || '.'
           ELSE 'For home and garden, made by ' || g[1 + n * 7 % 27] || ' of ' || lower(b[1 + n * 3 % 15])
           || '. Goes well with the ' || lower(c[1 + n * 29 % 30]) || ' and the ' || lower(c[1 + n * 7 % 30]) || '.' END,
        CASE WHEN n % 211 = 5 THEN 'service' ELSE 'goods' END, (n * 7919 % 90000 + 100) / 100.0, 'EUR',
        CASE WHEN n % 53 = 1 THEN 'archived' WHEN n % 97 = 1 THEN 'draft' ELSE 'active' END,
        kind_id, stock, least(stock, n % 4), CASE WHEN n % 7 = 1 AND stock > 0 THEN 5 END,
        CASE WHEN n % 7 = 1 AND stock > 0 AND stock - least(stock, n % 4) <= 5 THEN now() END,
        CASE WHEN is_variant THEN base_id END,
        CASE WHEN n % 10 = 0 THEN '[{{"name": "Size", "values": ["S", "M", "L"]}}]'::jsonb END,
        CASE WHEN is_variant THEN jsonb_build_object('Size', (ARRAY['S', 'M'])[n % 10]) END,
        CASE WHEN n % 5000 = 3 THEN ARRAY['rare'] WHEN n % 5 = 0 THEN ARRAY['sale', 'garden'] ELSE '{{}}' END,
        CASE WHEN german THEN 'de' ELSE 'en' END
      FROM words, (SELECT *, n % 10 IN (1, 2) AND n > 10 AS is_variant, n % 4 = 3 AS german,
                   CASE WHEN n % 10 = 0 OR n % 211 = 5 THEN 0 ELSE n * 31 % 200 END AS stock FROM made) p
      JOIN kinds ON kind = (CASE WHEN is_variant THEN n - n % 10 ELSE n END) * 7919 % 100003 % {categories}
      LEFT JOIN (SELECT n AS base, id AS base_id FROM made) base ON base = n - n % 10
     ORDER BY n;

INSERT INTO products_stocklevel (id, created_at, updated_at, product_id, location_id, on_hand, reserved)
       SELECT id, created_at, updated_at, id, '{first}', on_hand, reserved FROM products_product WHERE options IS NULL;

INSERT INTO products_stockmovement
           (id, product_id, location_id, reason, on_hand_change, reserved_change, note, source, actor_label, at)
       SELECT made.id, made.id, '{first}', CASE WHEN n % 300 = 0 THEN 'return' WHEN n % 3 = 0 THEN 'reservation'
              ELSE 'receipt' END, 1, 0, CASE WHEN n % 20 = 0 THEN 'Counted by ' || f[1 + n % 15] ELSE '' END,
              'order:' || n, 'bench', now() - make_interval(secs => ({rows} - n) * 60) FROM made, words;

INSERT INTO products_stockdocument
           (id, created_at, updated_at, kind, status, number, location_id, destination_id, note, ended_at)
       SELECT uuidv7(), now() - make_interval(secs => ({rows} - n) * 60), now() - make_interval(secs => n), kinds.kind,
              CASE WHEN n % 1000 = 0 THEN unended ELSE ended END, kinds.kind || '-' || n, place_id,
              CASE kinds.kind WHEN 'transfer' THEN '{first}'::uuid END, CASE WHEN n % 50 = 0 THEN 'For the fair' ELSE '' END,
              CASE WHEN n % 1000 > 0 THEN now() END
         FROM made JOIN places ON place = 1 + n % ({locations} - 1),
              (VALUES ('transfer', 'received', 'sent'), ('count', 'applied', 'open')) kinds (kind, ended, unended);

INSERT INTO products_stockdocumentline (id, created_at, updated_at, document_id, product_id, expected, note)
       SELECT uuidv7(), now(), now(), (SELECT id FROM products_stockdocument WHERE status = 'open' ORDER BY id LIMIT 1),
              id, 1, '' FROM made;

INSERT INTO orders_customer (id, created_at, updated_at, reference, name, company, email, phone, country, tags, note)
    SELECT p.id, now() - make_interval(secs => ({rows} - n) * 90), now() - make_interval(secs => (n * 7919 % {rows}) * 80),
        CASE WHEN n % 2 = 0 THEN 'C' || n END,
        CASE WHEN n % 33333 = 7 THEN 'Zebulon Quartermaine' ELSE f[1 + n * 31 % 15] || ' ' || g[1 + n * 17 % 27] END,
        CASE WHEN n % 3 = 0 THEN g[1 + n * 13 % 27] || ' ' || c[1 + n * 7 % 30] || ' Ltd' ELSE '' END,
        lower(f[1 + n * 31 % 15]) || '.' || n || '@' || h[1 + n % 5] || '.example', '', (ARRAY['DE', 'GB', 'FR'])[1 + n % 3],
        CASE WHEN n % 5000 = 3 THEN ARRAY['rare'] WHEN n % 5 = 0 THEN ARRAY['vip'] ELSE '{{}}' END, ''
      FROM words, made p;

INSERT INTO orders_address (id, created_at, updated_at, customer_id, kind, is_default, name, company, line1, line2,
           postal_code, city, region, country, phone)
       SELECT uuidv7(), now() - make_interval(secs => n), now() - make_interval(secs => n),
              CASE WHEN n % 2 = 0 THEN id ELSE (SELECT id FROM made WHERE n = 1) END, 'both', false, g[1 + n % 27], '',
              'Street ' || n, '', lpad((n % 99999)::text, 5, '0'), 'Town ' || n % 50, '', 'DE', '' FROM made, words;

INSERT INTO orders_customernote (id, created_at, updated_at, customer_id, text, author_label)
       SELECT uuidv7(), now() - make_interval(secs => n), now() - make_interval(secs => n),
              CASE WHEN n % 2 = 0 THEN id ELSE (SELECT id FROM made WHERE n = 1) END,
              'Asked about the ' || c[1 + n % 30] || ' ' || n, 'bench' FROM made, words;

INSERT INTO orders_order (id, created_at, updated_at, number, kind, status, customer_id, currency, payment_status,
        fulfilment_status, subtotal, total, paid_total, tags, note, source, external_reference, placed_at)
    SELECT p.id, now() - make_interval(secs => ({rows} - n) * 90), now() - make_interval(secs => (n * 7919 % {rows}) * 80),
        CASE WHEN status <> 'draft' THEN n END, CASE WHEN n % 200 = 9 THEN 'cancellation' ELSE 'sale' END,
        status, who_id, 'EUR', CASE WHEN paid > 0 THEN 'paid' ELSE 'unpaid' END,
        CASE WHEN status IN ('fulfilled', 'closed') THEN 'fulfilled' WHEN n % 500 = 1 THEN 'partial' ELSE 'unfulfilled' END,
        total, total, paid, CASE WHEN n % 5000 = 3 THEN ARRAY['rare'] WHEN n % 5 = 0 THEN ARRAY['gift'] ELSE '{{}}' END, '',
        (ARRAY['portal', 'api', 'import'])[1 + n % 3], CASE WHEN n % 2 = 0 THEN 'SHOP-' || n END,
        CASE WHEN status <> 'draft' THEN now() - make_interval(secs => ({rows} - n) * 90) END
      FROM (SELECT made.*, status, (n * 7919 % 50000 + 100) / 100.0 AS total,
                   CASE WHEN status IN ('draft', 'placed') THEN 0 ELSE (n * 7919 % 50000 + 100) / 100.0 END AS paid
              FROM made, LATERAL (SELECT CASE WHEN n % 50 = 1 THEN 'draft' WHEN n % 10 = 2 THEN 'placed'
                  WHEN n % 10 = 3 THEN 'paid' WHEN n % 10 IN (4, 5) THEN 'fulfilled' ELSE 'closed' END AS status) s) p
      JOIN (SELECT n AS who, id AS who_id FROM made) who ON who = 1 + n * 17 % {rows};

INSERT INTO orders_orderline
           (id, order_id, position, product_id, sku, description, quantity, unit_price, total)
       SELECT uuidv7(), o.id, place, p.id, 'SKU-' || p.n, 'Thing', 1, 10, 10
         FROM made o CROSS JOIN generate_series(1, 2) place JOIN made p ON p.n = 1 + (o.n * 7 + place) % {rows};

INSERT INTO orders_payment
           (id, created_at, updated_at, order_id, kind, status, method, amount, reference, reason, settled_at)
       SELECT id, now() - make_interval(secs => ({rows} - n) * 60), now() - make_interval(secs => n * 7919 % {rows}), id,
              CASE WHEN n % 200 = 7 THEN 'refund' ELSE 'payment' END, CASE WHEN n % 300 = 7 THEN 'pending' ELSE 'succeeded' END,
              CASE WHEN n % 400 = 3 THEN 'cheque' ELSE 'card' END, 10, 'PAY-' || n, '',
              CASE WHEN n % 300 <> 7 THEN now() END FROM made;

INSERT INTO orders_fulfilment
           (id, created_at, updated_at, order_id, direction, carrier, tracking_number, note, restocked)
       SELECT id, now() - make_interval(secs => ({rows} - n) * 60), now() - make_interval(secs => n * 7919 % {rows}), id,
              CASE WHEN n % 300 = 7 THEN 'return' ELSE 'out' END, (ARRAY['DHL', 'UPS', 'DPD'])[1 + n % 3], 'TRACK' || n, '',
              false FROM made;

INSERT INTO orders_fulfilmentline (id, fulfilment_id, line_id, quantity)
       SELECT id, order_id, id, 1 FROM orders_orderline WHERE position = 1;

INSERT INTO invoices_invoice (id, created_at, updated_at, kind, year, number, code, order_id, invoice_id, currency,
           total, language, issued_at, snapshot)
       SELECT id, now() - make_interval(secs => ({rows} - n) * 60), now() - make_interval(secs => n * 7919 % {rows}),
              CASE WHEN n % 50 = 3 THEN 'credit_note' ELSE 'invoice' END, 2020 + n % 7, n,
              CASE WHEN n % 50 = 3 THEN 'CN-' ELSE 'INV-' END || 2020 + n % 7 || '-' || n, id,
              CASE WHEN n % 50 = 3 THEN (SELECT m.id FROM made m WHERE m.n = made.n - 1) END, 'EUR', 10, 'en',
              now() - make_interval(secs => ({rows} - n) * 60), '{{}}' FROM made ORDER BY n;

INSERT INTO invoices_invoicefile
           (id, created_at, updated_at, invoice_id, state, path, size, sha256, error, attempts)
       SELECT id, now(), now(), id, 'ready', 'x', 1, 'x', '', 1 FROM made;

INSERT INTO webhooks_endpoint (id, created_at, updated_at, url, description, event_types, state, disabled_reason, secret,
           previous_secret, is_slow)
       SELECT id, now(), now(), 'https://shop.example/' || n, '', ARRAY['*'], 'paused', '', 'x', '', false
         FROM made WHERE n <= 20;

INSERT INTO webhooks_event (id, type, subject_id, details, occurred_at, body)
       SELECT id, CASE WHEN n % 1000 = 7 THEN 'customer.erased' ELSE 'order.placed' END, id, '{{}}', now(), '' FROM made;

INSERT INTO webhooks_delivery (id, endpoint_id, event_id, state, tries, attempts, created_at, updated_at)
       SELECT made.id, CASE WHEN made.n % 2 = 0 THEN one.id ELSE other.id END, made.id,
              CASE WHEN made.n % 1000 = 5 THEN 'failed' ELSE 'delivered' END, 1, '[]',
              now() - make_interval(secs => ({rows} - made.n) * 10), now() - make_interval(secs => made.n * 7919 % {rows})
         FROM made JOIN made one ON one.n = 1 JOIN made other ON other.n = 1 + made.n % 20;

INSERT INTO imports_import (id, created_at, updated_at, kind, status, phase, error, created_by, file_name, file_path,
           file_size, file_sha256, columns, sample, mapping, options, rows_read, rows_imported, rows_rejected,
           rows_already_there, products_created, customers_created, orders_created, cancellations_created, orders_skipped,
           bytes_read, staged_line, applied_line, attempts, seconds_working)
       SELECT id, now() - make_interval(secs => ({rows} - n) * 60), now() - make_interval(secs => n * 7919 % {rows}),
              CASE WHEN n % 500 = 1 THEN 'products' ELSE 'order_lines' END, CASE WHEN n % 700 = 1 THEN 'failed' ELSE 'done' END,
              'finished', '', 'bench', 'file-' || n || '.csv', 'x', 1, 'x', '[]', '[]', '{{}}', '{{}}', 0, 0, 0, 0, 0, 0, 0, 0, 0,
              0, 0, 0, 1, 1 FROM made;

INSERT INTO imports_rejectedrow (id, job_id, line, reason, detail, fields)
       SELECT id, (SELECT id FROM made WHERE n = 1), n, 'not_a_number', 'x', '[]' FROM made;

INSERT INTO audit_auditentry (id, at, actor_kind, actor_label, verb, target_type, target_id, data, request_id)
       SELECT id, now(), 'system', 'bench', 'order.placed', 'orders.order', id, '{{}}', '' FROM made;

INSERT INTO api_job (id, created_at, updated_at, kind, verb, status, done, total, parameters, result, actor_kind,
           created_by, attempts, heartbeat_at, finished_at)
       SELECT id, now() - make_interval(secs => ({rows} - n) * 60), now() - make_interval(secs => n * 7919 % {rows}),
              'products.bulk', 'products:write', CASE WHEN n % 700 = 1 THEN 'failed' ELSE 'succeeded' END, 0, 0, '{{}}', '{{}}',
              'system', 'bench', 1, now(), now() FROM made;

INSERT INTO users_signin (id, created_at, updated_at, user_id, kind, client, number, used_at, expires_at, ended_because)
       SELECT made.id, now() - make_interval(secs => ({rows} - n) * 60), now(), users_user.id, 'api', 'Client ' || n, 1,
              now() - make_interval(secs => n), now() + interval '1 day' * (n % 100 - 50), '' FROM made, users_user;
