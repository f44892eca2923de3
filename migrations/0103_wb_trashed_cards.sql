-- Cards in the seller's trash. A card that leaves the trash gets deleted_at here; its row in wb.cards is revived by the next read of the list.
CREATE TABLE wb.trashed_cards (
    shop_id         bigint NOT NULL,
    nm_id           bigint NOT NULL,
    vendor_code     text,
    subject_id      bigint,
    subject_name    text,
    kiz_marked      boolean,
    video           text,
    photos          jsonb,
    sizes           jsonb,
    wholesale       jsonb,
    dimensions      jsonb,
    characteristics jsonb,
    trashed_at      timestamptz,
    created_at      timestamptz,
    extra           jsonb,
    row_hash        bytea NOT NULL,
    first_seen_at   timestamptz NOT NULL,
    synced_at       timestamptz NOT NULL,
    deleted_at      timestamptz,
    CONSTRAINT trashed_cards_pk PRIMARY KEY (shop_id, nm_id)
);
