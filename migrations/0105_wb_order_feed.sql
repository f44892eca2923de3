-- Wildberries order feed: one row is one unit of one order with its status of now, key srid; also orders that wb.orders does not have
-- (payment unconfirmed, instalments). The vendor tells 31 days back; older rows stay as they last were.
CREATE TABLE wb.order_feed (
    shop_id              bigint NOT NULL,
    srid                 text NOT NULL,
    nm_id                bigint,
    chrt_id              bigint,
    created_at           timestamptz,
    updated_at           timestamptz,
    status               text,
    cancel_type          text,
    warehouse_name       text,
    warehouse_region     text,
    is_mp                boolean,
    destination_city     text,
    destination_district text,
    seller_price         numeric,
    currency             text,
    is_b2b               boolean,
    extra                jsonb,
    row_hash             bytea NOT NULL,
    first_seen_at        timestamptz NOT NULL,
    synced_at            timestamptz NOT NULL,
    deleted_at           timestamptz,
    CONSTRAINT order_feed_pk PRIMARY KEY (shop_id, srid)
);
CREATE INDEX order_feed_created_at_ix ON wb.order_feed (shop_id, created_at);
