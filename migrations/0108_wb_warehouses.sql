-- Wildberries: the seller's own warehouses, and the vendor's offices that they can be bound to (office_id).
CREATE TABLE wb.warehouses (
    shop_id       bigint NOT NULL,
    id            bigint NOT NULL,
    name          text,
    office_id     bigint,
    cargo_type    integer,
    delivery_type integer,
    is_deleting   boolean,
    is_processing boolean,
    extra         jsonb,
    row_hash      bytea NOT NULL,
    first_seen_at timestamptz NOT NULL,
    synced_at     timestamptz NOT NULL,
    deleted_at    timestamptz,
    CONSTRAINT warehouses_pk PRIMARY KEY (shop_id, id)
);

CREATE TABLE wb.offices (
    shop_id          bigint NOT NULL,
    id               bigint NOT NULL,
    name             text,
    address          text,
    city             text,
    federal_district text,
    longitude        numeric,
    latitude         numeric,
    cargo_type       integer,
    delivery_type    integer,
    selected         boolean,
    extra            jsonb,
    row_hash         bytea NOT NULL,
    first_seen_at    timestamptz NOT NULL,
    synced_at        timestamptz NOT NULL,
    deleted_at       timestamptz,
    CONSTRAINT offices_pk PRIMARY KEY (shop_id, id)
);
