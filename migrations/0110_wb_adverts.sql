-- Wildberries adverts. Sums are in the currency's base units, bids in its hundredths; ctr and cr are percents (10.12).

-- Campaigns: the list of all (type, status, change_time) joined with what is told of each; a campaign that nothing more is told of has the
-- columns of the list only. Nested settings, placements, restrictions and timestamps are columns; deleted is null while the campaign lives.
CREATE TABLE wb.campaigns (
    shop_id         bigint NOT NULL,
    id              bigint NOT NULL,
    type            integer,
    status          integer,
    change_time     timestamptz,
    bid_type        text,
    currency        text,
    name            text,
    payment_type    text,
    search          boolean,
    recommendations boolean,
    can_change_nms  boolean,
    created         timestamptz,
    updated         timestamptz,
    started         timestamptz,
    deleted         timestamptz,
    extra           jsonb,
    row_hash        bytea NOT NULL,
    first_seen_at   timestamptz NOT NULL,
    synced_at       timestamptz NOT NULL,
    deleted_at      timestamptz,
    CONSTRAINT campaigns_pk PRIMARY KEY (shop_id, id)
);

-- Products of a campaign with their subject and bids (hundredths).
CREATE TABLE wb.campaign_products (
    shop_id             bigint NOT NULL,
    advert_id           bigint NOT NULL,
    nm_id               bigint NOT NULL,
    subject_id          bigint,
    subject_name        text,
    search_bid          numeric,
    recommendations_bid numeric,
    extra               jsonb,
    row_hash            bytea NOT NULL,
    first_seen_at       timestamptz NOT NULL,
    synced_at           timestamptz NOT NULL,
    CONSTRAINT campaign_products_pk PRIMARY KEY (shop_id, advert_id, nm_id)
);

-- One campaign's one day: all apps together here, by app and by app and product in the parts. date is the calendar day as the vendor
-- names it. booster_stats holds the day's positions of products in the booster.
CREATE TABLE wb.campaign_days (
    shop_id       bigint NOT NULL,
    advert_id     bigint NOT NULL,
    date          date NOT NULL,
    currency      text,
    views         bigint,
    clicks        bigint,
    ctr           numeric,
    cpc           numeric,
    cr            numeric,
    atbs          bigint,
    orders        bigint,
    shks          bigint,
    sum           numeric,
    sum_price     numeric,
    canceled      bigint,
    booster_stats jsonb,
    extra         jsonb,
    row_hash      bytea NOT NULL,
    first_seen_at timestamptz NOT NULL,
    synced_at     timestamptz NOT NULL,
    deleted_at    timestamptz,
    CONSTRAINT campaign_days_pk PRIMARY KEY (shop_id, advert_id, date)
);
CREATE INDEX campaign_days_date_ix ON wb.campaign_days (shop_id, date);

-- app_type: 1 site, 32 Android, 64 iOS.
CREATE TABLE wb.campaign_apps (
    shop_id       bigint NOT NULL,
    advert_id     bigint NOT NULL,
    date          date NOT NULL,
    app_type      integer NOT NULL,
    views         bigint,
    clicks        bigint,
    ctr           numeric,
    cpc           numeric,
    cr            numeric,
    atbs          bigint,
    orders        bigint,
    shks          bigint,
    sum           numeric,
    sum_price     numeric,
    canceled      bigint,
    extra         jsonb,
    row_hash      bytea NOT NULL,
    first_seen_at timestamptz NOT NULL,
    synced_at     timestamptz NOT NULL,
    CONSTRAINT campaign_apps_pk PRIMARY KEY (shop_id, advert_id, date, app_type)
);

CREATE TABLE wb.campaign_nms (
    shop_id       bigint NOT NULL,
    advert_id     bigint NOT NULL,
    date          date NOT NULL,
    app_type      integer NOT NULL,
    nm_id         bigint NOT NULL,
    name          text,
    views         bigint,
    clicks        bigint,
    ctr           numeric,
    cpc           numeric,
    cr            numeric,
    atbs          bigint,
    orders        bigint,
    shks          bigint,
    sum           numeric,
    sum_price     numeric,
    canceled      bigint,
    extra         jsonb,
    row_hash      bytea NOT NULL,
    first_seen_at timestamptz NOT NULL,
    synced_at     timestamptz NOT NULL,
    CONSTRAINT campaign_nms_pk PRIMARY KEY (shop_id, advert_id, date, app_type, nm_id)
);

-- What was charged for campaigns. The vendor gives no id: content is a hash of the document, number tells equal documents of a month apart.
-- month is the first day of the calendar month that was asked for: documents without upd_time belong to it, and a read replaces it whole.
CREATE TABLE wb.campaign_spend (
    shop_id       bigint NOT NULL,
    content       text NOT NULL,
    number        integer NOT NULL,
    month         date,
    upd_num       bigint,
    upd_time      timestamptz,
    upd_sum       numeric,
    advert_id     bigint,
    camp_name     text,
    advert_type   integer,
    payment_type  text,
    advert_status integer,
    extra         jsonb,
    row_hash      bytea NOT NULL,
    first_seen_at timestamptz NOT NULL,
    synced_at     timestamptz NOT NULL,
    deleted_at    timestamptz,
    CONSTRAINT campaign_spend_pk PRIMARY KEY (shop_id, content, number)
);
CREATE INDEX campaign_spend_month_ix ON wb.campaign_spend (shop_id, month);

-- Top-ups of the adverts' account. Ids are counted apart for each type (0 account, 1 balance, 3 card); month as in wb.campaign_spend.
CREATE TABLE wb.campaign_payments (
    shop_id       bigint NOT NULL,
    id            bigint NOT NULL,
    type          integer NOT NULL,
    month         date,
    date          timestamptz,
    sum           numeric,
    status_id     integer,
    card_status   text,
    currency      text,
    extra         jsonb,
    row_hash      bytea NOT NULL,
    first_seen_at timestamptz NOT NULL,
    synced_at     timestamptz NOT NULL,
    deleted_at    timestamptz,
    CONSTRAINT campaign_payments_pk PRIMARY KEY (shop_id, id, type)
);
CREATE INDEX campaign_payments_month_ix ON wb.campaign_payments (shop_id, month);

-- Money for adverts: the account (balance), what may be taken from sales to come (net), bonuses, promotional bonuses with their expiry.
CREATE TABLE wb.advert_balance (
    shop_id       bigint NOT NULL,
    currency      text NOT NULL,
    balance       numeric,
    net           numeric,
    bonus         numeric,
    cashbacks     jsonb,
    extra         jsonb,
    row_hash      bytea NOT NULL,
    first_seen_at timestamptz NOT NULL,
    synced_at     timestamptz NOT NULL,
    deleted_at    timestamptz,
    CONSTRAINT advert_balance_pk PRIMARY KEY (shop_id, currency)
);

CREATE TABLE wb.advert_balance_history (
    shop_id    bigint NOT NULL,
    currency   text NOT NULL,
    balance    numeric,
    net        numeric,
    bonus      numeric,
    cashbacks  jsonb,
    extra      jsonb,
    row_hash   bytea NOT NULL,
    valid_from timestamptz NOT NULL,
    gone       boolean NOT NULL,
    CONSTRAINT advert_balance_history_pk PRIMARY KEY (shop_id, currency, valid_from)
);

-- What is left of a campaign's budget; only campaigns that are ready, running or paused have one.
CREATE TABLE wb.campaign_budgets (
    shop_id       bigint NOT NULL,
    advert_id     bigint NOT NULL,
    total         numeric,
    currency      text,
    extra         jsonb,
    row_hash      bytea NOT NULL,
    first_seen_at timestamptz NOT NULL,
    synced_at     timestamptz NOT NULL,
    deleted_at    timestamptz,
    CONSTRAINT campaign_budgets_pk PRIMARY KEY (shop_id, advert_id)
);

CREATE TABLE wb.campaign_budgets_history (
    shop_id    bigint NOT NULL,
    advert_id  bigint NOT NULL,
    total      numeric,
    currency   text,
    extra      jsonb,
    row_hash   bytea NOT NULL,
    valid_from timestamptz NOT NULL,
    gone       boolean NOT NULL,
    CONSTRAINT campaign_budgets_history_pk PRIMARY KEY (shop_id, advert_id, valid_from)
);
