-- Wildberries stock: one row is one size of a product in one warehouse, at the vendor's (wb.stocks) and at the seller's (wb.seller_stocks).
-- The vendor hides its own warehouses: since 2026 every one is -999999 with one name; name and region are in the key to stay apart when
-- it tells them again. The vendor keeps no history of these numbers, the tables _history do: a row is what was true from valid_from until
-- the next one of its key, gone says that the key was not there any more.
CREATE TABLE wb.stocks (
    shop_id            bigint NOT NULL,
    nm_id              bigint NOT NULL,
    chrt_id            bigint NOT NULL,
    warehouse_id       bigint NOT NULL,
    warehouse_name     text NOT NULL,
    region_name        text NOT NULL,
    quantity           bigint,
    in_way_to_client   bigint,
    in_way_from_client bigint,
    extra              jsonb,
    row_hash           bytea NOT NULL,
    first_seen_at      timestamptz NOT NULL,
    synced_at          timestamptz NOT NULL,
    deleted_at         timestamptz,
    CONSTRAINT stocks_pk PRIMARY KEY (shop_id, nm_id, chrt_id, warehouse_id, warehouse_name, region_name)
);

CREATE TABLE wb.stocks_history (
    shop_id            bigint NOT NULL,
    nm_id              bigint NOT NULL,
    chrt_id            bigint NOT NULL,
    warehouse_id       bigint NOT NULL,
    warehouse_name     text NOT NULL,
    region_name        text NOT NULL,
    quantity           bigint,
    in_way_to_client   bigint,
    in_way_from_client bigint,
    extra              jsonb,
    row_hash           bytea NOT NULL,
    valid_from         timestamptz NOT NULL,
    gone               boolean NOT NULL,
    CONSTRAINT stocks_history_pk PRIMARY KEY (shop_id, nm_id, chrt_id, warehouse_id, warehouse_name, region_name, valid_from)
);

CREATE TABLE wb.seller_stocks (
    shop_id        bigint NOT NULL,
    nm_id          bigint NOT NULL,
    chrt_id        bigint NOT NULL,
    warehouse_id   bigint NOT NULL,
    warehouse_name text NOT NULL,
    region_name    text NOT NULL,
    quantity       bigint,
    extra          jsonb,
    row_hash       bytea NOT NULL,
    first_seen_at  timestamptz NOT NULL,
    synced_at      timestamptz NOT NULL,
    deleted_at     timestamptz,
    CONSTRAINT seller_stocks_pk PRIMARY KEY (shop_id, nm_id, chrt_id, warehouse_id, warehouse_name, region_name)
);

CREATE TABLE wb.seller_stocks_history (
    shop_id        bigint NOT NULL,
    nm_id          bigint NOT NULL,
    chrt_id        bigint NOT NULL,
    warehouse_id   bigint NOT NULL,
    warehouse_name text NOT NULL,
    region_name    text NOT NULL,
    quantity       bigint,
    extra          jsonb,
    row_hash       bytea NOT NULL,
    valid_from     timestamptz NOT NULL,
    gone           boolean NOT NULL,
    CONSTRAINT seller_stocks_history_pk PRIMARY KEY (shop_id, nm_id, chrt_id, warehouse_id, warehouse_name, region_name, valid_from)
);
