-- Wildberries product cards: the card is the document; sizes, photos and characteristics are its parts, replaced as a set.
-- Parts of a deleted card stay as they last were: join wb.cards and look at its deleted_at.
CREATE TABLE wb.cards (
    shop_id       bigint NOT NULL,
    nm_id         bigint NOT NULL,
    imt_id        bigint,
    nm_uuid       text,
    subject_id    bigint,
    subject_name  text,
    vendor_code   text,
    brand         text,
    title         text,
    description   text,
    gtin          text,
    need_kiz      boolean,
    kiz_marked    boolean,
    video         text,
    wholesale     jsonb,
    dimensions    jsonb,
    documents     jsonb,
    tags          jsonb,
    created_at    timestamptz,
    updated_at    timestamptz,
    extra         jsonb,
    row_hash      bytea NOT NULL,
    first_seen_at timestamptz NOT NULL,
    synced_at     timestamptz NOT NULL,
    deleted_at    timestamptz,
    CONSTRAINT cards_pk PRIMARY KEY (shop_id, nm_id)
);

CREATE TABLE wb.card_sizes (
    shop_id       bigint NOT NULL,
    nm_id         bigint NOT NULL,
    chrt_id       bigint NOT NULL,
    tech_size     text,
    wb_size       text,
    skus          text[],
    extra         jsonb,
    row_hash      bytea NOT NULL,
    first_seen_at timestamptz NOT NULL,
    synced_at     timestamptz NOT NULL,
    CONSTRAINT card_sizes_pk PRIMARY KEY (shop_id, nm_id, chrt_id)
);

CREATE TABLE wb.card_photos (
    shop_id       bigint NOT NULL,
    nm_id         bigint NOT NULL,
    position      integer NOT NULL,
    big           text,
    c246x328      text,
    c516x688      text,
    square        text,
    tm            text,
    extra         jsonb,
    row_hash      bytea NOT NULL,
    first_seen_at timestamptz NOT NULL,
    synced_at     timestamptz NOT NULL,
    CONSTRAINT card_photos_pk PRIMARY KEY (shop_id, nm_id, position)
);

CREATE TABLE wb.card_characteristics (
    shop_id       bigint NOT NULL,
    nm_id         bigint NOT NULL,
    id            bigint NOT NULL,
    name          text,
    value         jsonb,
    extra         jsonb,
    row_hash      bytea NOT NULL,
    first_seen_at timestamptz NOT NULL,
    synced_at     timestamptz NOT NULL,
    CONSTRAINT card_characteristics_pk PRIMARY KEY (shop_id, nm_id, id)
);
