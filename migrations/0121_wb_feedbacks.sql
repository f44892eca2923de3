-- Questions and feedbacks of Wildberries' buyers, their claims, and goods that come back to the seller.

-- The answer's keys are the vendor's; state: none (declined), suppliersPortalSynch (new), wbRu (answered).
CREATE TABLE wb.questions (
    shop_id         bigint NOT NULL,
    id              text NOT NULL,
    text            text,
    created_date    timestamptz,
    state           text,
    answer          jsonb,
    product_details jsonb,
    was_viewed      boolean,
    is_warned       boolean,
    extra           jsonb,
    row_hash        bytea NOT NULL,
    first_seen_at   timestamptz NOT NULL,
    synced_at       timestamptz NOT NULL,
    deleted_at      timestamptz,
    CONSTRAINT questions_pk PRIMARY KEY (shop_id, id)
);
CREATE INDEX questions_created_date_ix ON wb.questions (shop_id, created_date);

CREATE TABLE wb.feedbacks (
    shop_id                             bigint NOT NULL,
    id                                  text NOT NULL,
    text                                text,
    pros                                text,
    cons                                text,
    product_valuation                   integer,
    created_date                        timestamptz,
    answer                              jsonb,
    state                               text,
    product_details                     jsonb,
    photo_links                         jsonb,
    video                               jsonb,
    was_viewed                          boolean,
    user_name                           text,
    order_status                        text,
    matching_size                       text,
    is_able_supplier_feedback_valuation boolean,
    supplier_feedback_valuation         integer,
    is_able_supplier_product_valuation  boolean,
    supplier_product_valuation          integer,
    is_able_return_product_orders       boolean,
    return_product_orders_date          text,
    bables                              text[],  -- what the buyer ticked: "quality", "price"
    last_order_shk_id                   bigint,
    last_order_created_at               timestamptz,
    color                               text,
    subject_id                          bigint,
    subject_name                        text,
    parent_feedback_id                  text,
    child_feedback_id                   text,
    extra                               jsonb,
    row_hash                            bytea NOT NULL,
    first_seen_at                       timestamptz NOT NULL,
    synced_at                           timestamptz NOT NULL,
    deleted_at                          timestamptz,
    CONSTRAINT feedbacks_pk PRIMARY KEY (shop_id, id)
);
CREATE INDEX feedbacks_created_date_ix ON wb.feedbacks (shop_id, created_date);

-- The vendor tells claims for fourteen days; older ones stay as they last were. dt: made, dt_update: decided.
CREATE TABLE wb.claims (
    shop_id        bigint NOT NULL,
    id             text NOT NULL,
    claim_type     integer,
    status         integer,
    status_ex      integer,
    nm_id          bigint,
    user_comment   text,
    wb_comment     text,
    dt             timestamptz,
    imt_name       text,
    order_dt       timestamptz,
    dt_update      timestamptz,
    photos         text[],
    video_paths    text[],
    actions        text[],
    price          numeric,
    currency_code  text,
    srid           text,
    origin_id_info text,
    delivery_dt    timestamptz,
    extra          jsonb,
    row_hash       bytea NOT NULL,
    first_seen_at  timestamptz NOT NULL,
    synced_at      timestamptz NOT NULL,
    deleted_at     timestamptz,
    CONSTRAINT claims_pk PRIMARY KEY (shop_id, id)
);
CREATE INDEX claims_dt_ix ON wb.claims (shop_id, dt);

-- Goods on their way back. order_dt is a day of the vendor's calendar; order_id is the assembly order.
CREATE TABLE wb.item_returns (
    shop_id            bigint NOT NULL,
    srid               text NOT NULL,
    sku                text,
    brand              text,
    completed_dt       timestamptz,
    dst_office_address text,
    kiz                text,
    dst_office_id      bigint,
    expired_dt         timestamptz,
    nm_id              bigint,
    order_dt           date,
    order_id           bigint,
    ready_to_return_dt timestamptz,
    return_reason      text,
    return_type        text,
    shk_id             bigint,
    return_status      text,
    sticker_id         text,
    subject_name       text,
    tech_size          text,
    extra              jsonb,
    row_hash           bytea NOT NULL,
    first_seen_at      timestamptz NOT NULL,
    synced_at          timestamptz NOT NULL,
    deleted_at         timestamptz,
    CONSTRAINT item_returns_pk PRIMARY KEY (shop_id, srid)
);
CREATE INDEX item_returns_order_dt_ix ON wb.item_returns (shop_id, order_dt);
