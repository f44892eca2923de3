-- Wildberries prices and discounts: the product is the document, the prices of its sizes are parts (size_id is chrt_id elsewhere).
-- Sizes of a product that is gone stay as they last were: join wb.prices and look at its deleted_at.
CREATE TABLE wb.prices (
    shop_id                      bigint NOT NULL,
    nm_id                        bigint NOT NULL,
    vendor_code                  text,
    currency_iso_code4217        text,
    discount                     numeric,
    club_discount                numeric,
    editable_size_price          boolean,
    wholesale_discount_threshold jsonb,
    is_bad_turnover              boolean,
    extra                        jsonb,
    row_hash                     bytea NOT NULL,
    first_seen_at                timestamptz NOT NULL,
    synced_at                    timestamptz NOT NULL,
    deleted_at                   timestamptz,
    CONSTRAINT prices_pk PRIMARY KEY (shop_id, nm_id)
);

CREATE TABLE wb.price_sizes (
    shop_id               bigint NOT NULL,
    nm_id                 bigint NOT NULL,
    size_id               bigint NOT NULL,
    price                 numeric,
    discounted_price      numeric,
    club_discounted_price numeric,
    tech_size_name        text,
    extra                 jsonb,
    row_hash              bytea NOT NULL,
    first_seen_at         timestamptz NOT NULL,
    synced_at             timestamptz NOT NULL,
    CONSTRAINT price_sizes_pk PRIMARY KEY (shop_id, nm_id, size_id)
);

-- A row of a history is what was true from valid_from until the next one of its key; gone says that the key was not there any more.
CREATE TABLE wb.prices_history (
    shop_id                      bigint NOT NULL,
    nm_id                        bigint NOT NULL,
    vendor_code                  text,
    currency_iso_code4217        text,
    discount                     numeric,
    club_discount                numeric,
    editable_size_price          boolean,
    wholesale_discount_threshold jsonb,
    is_bad_turnover              boolean,
    extra                        jsonb,
    row_hash                     bytea NOT NULL,
    valid_from                   timestamptz NOT NULL,
    gone                         boolean NOT NULL,
    CONSTRAINT prices_history_pk PRIMARY KEY (shop_id, nm_id, valid_from)
);

CREATE TABLE wb.price_sizes_history (
    shop_id               bigint NOT NULL,
    nm_id                 bigint NOT NULL,
    size_id               bigint NOT NULL,
    price                 numeric,
    discounted_price      numeric,
    club_discounted_price numeric,
    tech_size_name        text,
    extra                 jsonb,
    row_hash              bytea NOT NULL,
    valid_from            timestamptz NOT NULL,
    gone                  boolean NOT NULL,
    CONSTRAINT price_sizes_history_pk PRIMARY KEY (shop_id, nm_id, size_id, valid_from)
);
