-- Webhooks: what vendors send by themselves. A delivery is kept as it came before it is answered; then what it names is read again.

-- One row a shop that takes webhooks. The secret itself lies in shop_secrets under a name that no source uses.
-- changed, missed: rows that changed since measuring began, and those of them that no delivery named. Measured up to measured_until.
CREATE TABLE mpsync.webhooks (
    shop_id           bigint NOT NULL CONSTRAINT webhooks_shop_fk REFERENCES mpsync.shops ON DELETE CASCADE,
    digest            bytea NOT NULL CONSTRAINT webhooks_digest_ck CHECK (octet_length(digest) = 32),  -- SHA-256 of the secret
    created_at        timestamptz NOT NULL DEFAULT now(),
    done              bigint NOT NULL DEFAULT 0,  -- deliveries by what came of them
    unknown           bigint NOT NULL DEFAULT 0,
    failed            bigint NOT NULL DEFAULT 0,
    last_received_at  timestamptz,
    measured_until    timestamptz,
    changed           bigint NOT NULL DEFAULT 0,
    missed            bigint NOT NULL DEFAULT 0,
    CONSTRAINT webhooks_pk PRIMARY KEY (shop_id),
    CONSTRAINT webhooks_digest_uq UNIQUE (digest)
);

CREATE TABLE mpsync.webhook_deliveries (
    delivery_id  bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT webhook_deliveries_pk PRIMARY KEY,
    shop_id      bigint NOT NULL,  -- no foreign key: one delivery to a shop that goes must not refuse those that are written with it
    received_at  timestamptz NOT NULL DEFAULT now(),
    body         bytea NOT NULL,   -- whatever came, to the byte
    event        text,             -- by the vendor's name, as far as the body could be read
    state        text NOT NULL DEFAULT 'pending'
        CONSTRAINT webhook_deliveries_state_ck CHECK (state IN ('pending', 'done', 'unknown', 'failed')),
    attempts     integer NOT NULL DEFAULT 0,
    not_before   timestamptz,
    error        text,
    run_id       bigint,           -- no foreign key, as in rejected_rows
    processed_at timestamptz
);
CREATE INDEX webhook_deliveries_pending_ix ON mpsync.webhook_deliveries (shop_id, delivery_id) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_processed_ix ON mpsync.webhook_deliveries (processed_at) WHERE processed_at IS NOT NULL;

-- What deliveries named, and when last: a change of a row that is not here was missed.
CREATE TABLE mpsync.webhook_touches (
    shop_id     bigint NOT NULL,
    stream      text NOT NULL,
    key         jsonb NOT NULL,  -- values of the columns by which the stream is read again, as a list
    received_at timestamptz NOT NULL,
    CONSTRAINT webhook_touches_pk PRIMARY KEY (shop_id, stream, key)
);

-- Rows of a table written in (since, until], and how many of them no delivery since `since` named; here, so that the program builds no SQL.
-- A row that is gone is not counted: it was not written, and vendors send no event for it.
CREATE FUNCTION mpsync.webhook_missed(
    target regclass, columns name[], shop bigint, told_stream text, since timestamptz, until timestamptz, OUT changed bigint, OUT missed bigint
) LANGUAGE plpgsql STABLE AS $$
BEGIN
    EXECUTE format(
        'SELECT count(*), count(*) FILTER (WHERE w.key IS NULL) FROM %s t LEFT JOIN mpsync.webhook_touches w ON w.shop_id = $1 '
        'AND w.stream = $2 AND w.key = jsonb_build_array(%s) AND w.received_at > $3 - interval ''5 minutes'' '
        'WHERE t.shop_id = $1 AND t.synced_at > $3 AND t.synced_at <= $4 AND t.deleted_at IS NULL AND t.row_hash <> ''''',
        target, (SELECT string_agg(format('t.%I', each), ', ' ORDER BY place) FROM unnest(columns) WITH ORDINALITY AS c (each, place)))
    USING shop, told_stream, since, until INTO changed, missed;
END
$$;
