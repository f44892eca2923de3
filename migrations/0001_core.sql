-- Control tables of mpsyncd: customers, shops, secrets, leases, feeds, slices, runs, requests, and what keeps the data honest.
-- Data tables live in schemas by source (wb, ozon, metrika, kaiten), one migration per stream.

CREATE SCHEMA IF NOT EXISTS mpsync;  -- the migrator has made it for its own table

CREATE TABLE mpsync.customers (
    customer_id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT customers_pk PRIMARY KEY,
    name        text NOT NULL CONSTRAINT customers_name_uq UNIQUE,
    enabled     boolean NOT NULL DEFAULT true,
    created_at  timestamptz NOT NULL DEFAULT now()
);
INSERT INTO mpsync.customers (name) VALUES ('default');

CREATE TABLE mpsync.shops (
    shop_id        bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT shops_pk PRIMARY KEY,
    customer_id    bigint NOT NULL CONSTRAINT shops_customer_fk REFERENCES mpsync.customers,
    source         text NOT NULL CONSTRAINT shops_source_ck CHECK (source IN ('wildberries', 'ozon', 'metrika', 'kaiten')),
    name           text NOT NULL,
    status         text NOT NULL DEFAULT 'syncing' CONSTRAINT shops_status_ck CHECK (status IN ('syncing', 'active', 'disabled', 'removing')),
    status_message text,
    paused         boolean NOT NULL DEFAULT false,
    key_failed_at  timestamptz,               -- when the vendor refused the key; a new key or a daily probe clears it
    lease_group    text NOT NULL,
    identity       jsonb NOT NULL DEFAULT '{}',  -- what the key says of itself: scopes, variant, facts; never a secret
    settings       jsonb NOT NULL DEFAULT '{}',
    expires_at     timestamptz,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT shops_name_uq UNIQUE (customer_id, source, name)
);
CREATE INDEX shops_lease_group_ix ON mpsync.shops (lease_group);

-- Authenticated encryption; the associated data is the shop and the field, so a ciphertext can not be moved.
CREATE TABLE mpsync.shop_secrets (
    shop_id    bigint NOT NULL CONSTRAINT shop_secrets_shop_fk REFERENCES mpsync.shops ON DELETE CASCADE,
    field      text NOT NULL,
    key_id     text NOT NULL,
    nonce      bytea NOT NULL,
    ciphertext bytea NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT shop_secrets_pk PRIMARY KEY (shop_id, field)
);

CREATE TABLE mpsync.capabilities (
    shop_id    bigint NOT NULL CONSTRAINT capabilities_shop_fk REFERENCES mpsync.shops ON DELETE CASCADE,
    capability text NOT NULL,
    state      text NOT NULL CONSTRAINT capabilities_state_ck CHECK (state IN ('ok', 'missing', 'unreachable')),
    reason     text,
    checked_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT capabilities_pk PRIMARY KEY (shop_id, capability)
);

CREATE TABLE mpsync.daemons (
    daemon_id  uuid CONSTRAINT daemons_pk PRIMARY KEY,
    host       text NOT NULL,
    pid        integer NOT NULL,
    version    text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    seen_at    timestamptz NOT NULL DEFAULT now(),
    gone_at    timestamptz
);

-- Shops that share any limit scope value form one group. The fence grows with every change of holder; commits lock and check it.
CREATE TABLE mpsync.leases (
    lease_group text CONSTRAINT leases_pk PRIMARY KEY,
    holder      uuid,
    fence       bigint NOT NULL DEFAULT 0,
    expires_at  timestamptz NOT NULL DEFAULT '-infinity'
);
CREATE INDEX leases_holder_ix ON mpsync.leases (holder);

CREATE TABLE mpsync.feeds (
    feed_id         bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT feeds_pk PRIMARY KEY,
    shop_id         bigint NOT NULL CONSTRAINT feeds_shop_fk REFERENCES mpsync.shops ON DELETE CASCADE,
    stream          text NOT NULL,
    lane            text NOT NULL CONSTRAINT feeds_lane_ck CHECK (lane IN ('live', 'backfill')),
    state           text NOT NULL DEFAULT 'pending'
        CONSTRAINT feeds_state_ck CHECK (state IN ('pending', 'ok', 'failed', 'snoozed', 'parked', 'done')),
    next_due_at     timestamptz NOT NULL,
    not_before      timestamptz,
    attempts        integer NOT NULL DEFAULT 0,
    cursor          jsonb,
    complete_from   timestamptz,
    complete_until  timestamptz,
    last_walk_at    timestamptz,
    last_full_at    timestamptz,   -- end of the last complete read of everything
    last_success_at timestamptz,
    park_capability text,
    reason          text,
    error           jsonb,
    error_at        timestamptz,
    CONSTRAINT feeds_uq UNIQUE (shop_id, stream, lane)
);
CREATE INDEX feeds_due_ix ON mpsync.feeds (next_due_at) WHERE state NOT IN ('parked', 'done');

CREATE TABLE mpsync.runs (
    run_id        bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT runs_pk PRIMARY KEY,
    shop_id       bigint NOT NULL CONSTRAINT runs_shop_fk REFERENCES mpsync.shops ON DELETE CASCADE,
    parent_run_id bigint CONSTRAINT runs_parent_fk REFERENCES mpsync.runs ON DELETE SET NULL,
    daemon_id     uuid NOT NULL,
    trigger       text NOT NULL CONSTRAINT runs_trigger_ck CHECK (trigger IN ('schedule', 'manual', 'onboarding', 'webhook', 'stale')),
    mode          text NOT NULL CONSTRAINT runs_mode_ck CHECK (mode IN ('full', 'incremental', 'selective', 'forced')),
    state         text NOT NULL DEFAULT 'running'
        CONSTRAINT runs_state_ck CHECK (state IN ('running', 'waiting', 'done', 'partly', 'failed', 'cancelled', 'interrupted')),
    reason        text,
    waits_until   timestamptz,
    cancel        boolean NOT NULL DEFAULT false,
    started_at    timestamptz NOT NULL,
    ended_at      timestamptz,
    folded        integer NOT NULL DEFAULT 1, -- how many runs in a row that changed nothing this row, the newest of them, stands for
    folded_since  timestamptz                 -- when the oldest of them began
);
CREATE INDEX runs_shop_ix ON mpsync.runs (shop_id, started_at DESC);
CREATE INDEX runs_open_ix ON mpsync.runs (daemon_id) WHERE ended_at IS NULL;
CREATE INDEX runs_parent_ix ON mpsync.runs (parent_run_id) WHERE parent_run_id IS NOT NULL;

CREATE TABLE mpsync.run_feeds (
    run_id       bigint NOT NULL CONSTRAINT run_feeds_run_fk REFERENCES mpsync.runs ON DELETE CASCADE,
    feed_id      bigint NOT NULL CONSTRAINT run_feeds_feed_fk REFERENCES mpsync.feeds ON DELETE CASCADE,
    verdict      text CONSTRAINT run_feeds_verdict_ck CHECK (verdict IN ('ok', 'failed', 'parked', 'cancelled')),
    reason       text,
    error        jsonb,
    pages        integer NOT NULL DEFAULT 0,
    seen         bigint NOT NULL DEFAULT 0,
    inserted     bigint NOT NULL DEFAULT 0,
    updated      bigint NOT NULL DEFAULT 0,
    tombstoned   bigint NOT NULL DEFAULT 0,
    rejected     bigint NOT NULL DEFAULT 0,
    started_at   timestamptz NOT NULL,
    moved_at     timestamptz,   -- last commit of this feed in this run
    ended_at     timestamptz,
    CONSTRAINT run_feeds_pk PRIMARY KEY (run_id, feed_id)
);
CREATE INDEX run_feeds_feed_ix ON mpsync.run_feeds (feed_id);

CREATE TABLE mpsync.run_requests (
    request_id   bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT run_requests_pk PRIMARY KEY,
    shop_id      bigint NOT NULL CONSTRAINT run_requests_shop_fk REFERENCES mpsync.shops ON DELETE CASCADE,
    trigger      text NOT NULL DEFAULT 'manual',
    mode         text NOT NULL,
    streams      text[] NOT NULL DEFAULT '{}',
    starts_at    timestamptz,
    ends_at      timestamptz,
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    taken_by     uuid,
    taken_at     timestamptz,
    run_id       bigint CONSTRAINT run_requests_run_fk REFERENCES mpsync.runs ON DELETE SET NULL,
    refused      text           -- why no run came of it
);
CREATE INDEX run_requests_open_ix ON mpsync.run_requests (shop_id) WHERE taken_at IS NULL;
CREATE INDEX run_requests_run_ix ON mpsync.run_requests (run_id) WHERE run_id IS NOT NULL;

-- Verdict, percent and coverage of a feed are computed from its slices.
CREATE TABLE mpsync.slices (
    slice_id   bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT slices_pk PRIMARY KEY,
    feed_id    bigint NOT NULL CONSTRAINT slices_feed_fk REFERENCES mpsync.feeds ON DELETE CASCADE,
    run_id     bigint CONSTRAINT slices_run_fk REFERENCES mpsync.runs ON DELETE SET NULL,
    kind       text NOT NULL CONSTRAINT slices_kind_ck CHECK (kind IN ('walk', 'since', 'window')),
    state      text NOT NULL DEFAULT 'open' CONSTRAINT slices_state_ck CHECK (state IN ('open', 'walked', 'done', 'dropped')),
    key        jsonb NOT NULL DEFAULT '{}',
    starts_at  timestamptz,
    ends_at    timestamptz,
    cursor     jsonb,
    reached_at timestamptz,     -- instant of the source's time up to which this slice is read
    report     jsonb,
    attempts   integer NOT NULL DEFAULT 0,
    not_before timestamptz,
    pages      integer NOT NULL DEFAULT 0,
    rows       bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    ended_at   timestamptz
);
CREATE INDEX slices_open_ix ON mpsync.slices (feed_id, slice_id) WHERE state IN ('open', 'walked');
CREATE INDEX slices_run_ix ON mpsync.slices (run_id);
CREATE INDEX slices_feed_ix ON mpsync.slices (feed_id, created_at);

-- A walk marks what it saw; the marks are not logged, their count is: they differ after a database crash and the walk is void.
CREATE TABLE mpsync.walks (
    walk_id    bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT walks_pk PRIMARY KEY,
    slice_id   bigint NOT NULL CONSTRAINT walks_slice_fk REFERENCES mpsync.slices ON DELETE CASCADE,
    started_at timestamptz NOT NULL,
    seen       bigint NOT NULL DEFAULT 0,
    unread     bigint NOT NULL DEFAULT 0   -- rows whose key could not be read: what they stand for can not be told from what is gone
);
CREATE INDEX walks_slice_ix ON mpsync.walks (slice_id);
CREATE UNLOGGED TABLE mpsync.walk_seen (
    walk_id  bigint NOT NULL,
    key_hash bytea NOT NULL,
    CONSTRAINT walk_seen_pk PRIMARY KEY (walk_id, key_hash)
);

-- Documents of a slice that is written in one go when its last page is there (REPLACE, numbered documents).
CREATE TABLE mpsync.slice_rows (
    slice_id bigint NOT NULL CONSTRAINT slice_rows_slice_fk REFERENCES mpsync.slices ON DELETE CASCADE,
    row_id   bigint GENERATED ALWAYS AS IDENTITY,
    asked_at timestamptz NOT NULL,
    document text NOT NULL,
    CONSTRAINT slice_rows_pk PRIMARY KEY (slice_id, row_id)
);

-- Rows that PostgreSQL or the row function refused, whole, with the reason; `mpsyncd rejected retry` feeds them in again.
CREATE TABLE mpsync.rejected_rows (
    rejected_id   bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT rejected_rows_pk PRIMARY KEY,
    shop_id       bigint NOT NULL CONSTRAINT rejected_rows_shop_fk REFERENCES mpsync.shops ON DELETE CASCADE,
    stream        text NOT NULL,
    table_name    text NOT NULL,
    document      text NOT NULL,          -- JSON text, kept as text because jsonb can refuse what made the row bad
    document_hash bytea NOT NULL,
    object_key    text,                   -- JSON text of the key, when it could be read
    parent_key    text,                   -- of a part: JSON text of its document's key
    reason        text NOT NULL,
    run_id        bigint,                 -- no foreign key: runs age out sooner, and finding the rows of each would take a scan
    asked_at      timestamptz NOT NULL,
    times         integer NOT NULL DEFAULT 1,
    first_seen_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT rejected_rows_uq UNIQUE (shop_id, table_name, document_hash)
);
CREATE INDEX rejected_rows_key_ix ON mpsync.rejected_rows (shop_id, table_name, object_key);
CREATE INDEX rejected_rows_parent_ix ON mpsync.rejected_rows (shop_id, table_name, parent_key) WHERE parent_key IS NOT NULL;

CREATE TABLE mpsync.event_log (
    event_id    bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT event_log_pk PRIMARY KEY,
    shop_id     bigint NOT NULL CONSTRAINT event_log_shop_fk REFERENCES mpsync.shops ON DELETE CASCADE,
    event       text NOT NULL,
    table_name  text NOT NULL,
    object_key  jsonb NOT NULL,
    field       text NOT NULL,
    before      jsonb,
    after       jsonb,
    run_id      bigint,                    -- no foreign key, as in rejected_rows
    happened_at timestamptz NOT NULL       -- start of the request whose answer showed the change
);
CREATE INDEX event_log_shop_ix ON mpsync.event_log (shop_id, event_id DESC);

-- Last known normalised value of every tracked field of every object: the baseline for events.
CREATE TABLE mpsync.tracked (
    shop_id    bigint NOT NULL CONSTRAINT tracked_shop_fk REFERENCES mpsync.shops ON DELETE CASCADE,
    table_name text NOT NULL,
    object_key text NOT NULL,
    field      text NOT NULL,
    version    integer NOT NULL,
    value      jsonb,
    asked_at   timestamptz NOT NULL,
    CONSTRAINT tracked_pk PRIMARY KEY (shop_id, table_name, object_key, field)
);

CREATE TABLE mpsync.snapshots (
    shop_id    bigint NOT NULL CONSTRAINT snapshots_shop_fk REFERENCES mpsync.shops ON DELETE CASCADE,
    table_name text NOT NULL,
    taken_at   timestamptz NOT NULL,
    rows       bigint NOT NULL,
    CONSTRAINT snapshots_pk PRIMARY KEY (shop_id, table_name, taken_at)
);

-- Live counts, kept by the commits themselves.
CREATE TABLE mpsync.table_counts (
    shop_id    bigint NOT NULL CONSTRAINT table_counts_shop_fk REFERENCES mpsync.shops ON DELETE CASCADE,
    table_name text NOT NULL,
    live       bigint NOT NULL DEFAULT 0,
    deleted    bigint NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT table_counts_pk PRIMARY KEY (shop_id, table_name)
);

-- Slow limits and day counters survive a restart; written before the request is sent.
CREATE TABLE mpsync.ledger (
    gate     text CONSTRAINT ledger_pk PRIMARY KEY,
    state    jsonb NOT NULL,
    saved_at timestamptz NOT NULL DEFAULT now()
);

-- Which table a stream fills; written at start from the declarations, so that views and tools need no code.
CREATE TABLE mpsync.stream_tables (
    source     text NOT NULL,
    stream     text NOT NULL,
    table_name text NOT NULL,
    main       boolean NOT NULL,
    day        text,                       -- column that holds a row's day, for coverage
    declared   boolean NOT NULL DEFAULT true,  -- false: no longer read, but its rows are still purged with their shop
    CONSTRAINT stream_tables_pk PRIMARY KEY (source, stream, table_name)
);

-- Deletes at most `batch` rows of a shop from a data table and returns how many; here, so that the program builds no SQL for it.
CREATE FUNCTION mpsync.purge_rows(target regclass, shop bigint, batch integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    purged bigint;
BEGIN
    EXECUTE format('DELETE FROM %1$s WHERE ctid = ANY (ARRAY(SELECT ctid FROM %1$s WHERE shop_id = $1 LIMIT $2 FOR UPDATE SKIP LOCKED))', target)
    USING shop, batch;
    GET DIAGNOSTICS purged = ROW_COUNT;
    RETURN purged;
END
$$;

-- First and last day of a shop's rows; two steps along an index on (shop_id, day column).
CREATE FUNCTION mpsync.day_range(target regclass, day name, shop bigint, OUT first_day date, OUT last_day date) LANGUAGE plpgsql STABLE AS $$
BEGIN
    EXECUTE format('SELECT min(%1$I)::date, max(%1$I)::date FROM %2$s WHERE shop_id = $1', day, target) INTO first_day, last_day USING shop;
END
$$;

-- Names by which older programs read: one line per entity, and the history of runs.
CREATE VIEW public.sync_metadata AS
SELECT f.shop_id,
       f.stream AS entity,
       max(f.last_full_at) AS last_full_sync_at,
       max(f.last_success_at) FILTER (WHERE f.lane = 'live') AS last_incremental_sync_at,
       (array_agg(f.state ORDER BY (f.lane = 'live') DESC))[1] AS status,
       coalesce(max(c.live), 0) AS row_count,
       max(f.reason) AS error
FROM mpsync.feeds f
LEFT JOIN mpsync.stream_tables t ON t.source = (SELECT s.source FROM mpsync.shops s WHERE s.shop_id = f.shop_id) AND t.stream = f.stream
    AND t.main AND t.declared
LEFT JOIN mpsync.table_counts c ON c.shop_id = f.shop_id AND c.table_name = t.table_name
GROUP BY f.shop_id, f.stream;

CREATE VIEW public.sync_logs AS
SELECT r.run_id AS id,
       r.shop_id AS store_id,
       r.state AS status,
       NULL::bigint AS chats_total,
       NULL::bigint AS chats_synced,
       NULL::bigint AS messages_added,
       NULL::bigint AS chats_classified,
       r.started_at,
       r.ended_at AS completed_at,
       CASE WHEN r.trigger = 'webhook' THEN 'webhook' ELSE r.mode END AS type,
       (SELECT string_agg(f.stream || ': ' || rf.reason, '; ' ORDER BY f.stream)
          FROM mpsync.run_feeds rf JOIN mpsync.feeds f USING (feed_id)
         WHERE rf.run_id = r.run_id AND rf.verdict IN ('failed', 'parked')) AS error
FROM mpsync.runs r;
