-- Wildberries chats with buyers: the chats that the vendor lists, and the one stream of events of all chats.
-- A chat that leaves the list (closed, inactive) stays here. A chat that only events know is a stub: is_stub, nothing but its key.
CREATE TABLE wb.chats (
    shop_id       bigint NOT NULL,
    chat_id       text NOT NULL,
    reply_sign    text,
    client_name   text,
    good_card     jsonb,
    last_message  jsonb,
    extra         jsonb,
    row_hash      bytea NOT NULL,
    first_seen_at timestamptz NOT NULL,
    synced_at     timestamptz NOT NULL,
    deleted_at    timestamptz,
    is_stub       boolean GENERATED ALWAYS AS (row_hash = '') STORED,
    CONSTRAINT chats_pk PRIMARY KEY (shop_id, chat_id)
);

-- One event; the vendor's message is told apart into text and attachments, both null for a mark of the vendor's own.
-- add_timestamp is Unix time in milliseconds, add_time the same moment.
CREATE TABLE wb.chat_events (
    shop_id       bigint NOT NULL,
    event_id      text NOT NULL,
    chat_id       text NOT NULL,
    event_type    text,
    is_new_chat   boolean,
    text          text,
    attachments   jsonb,
    source        text,
    add_timestamp bigint,
    add_time      timestamptz,
    reply_sign    text,
    sender        text,
    client_name   text,
    extra         jsonb,
    row_hash      bytea NOT NULL,
    first_seen_at timestamptz NOT NULL,
    synced_at     timestamptz NOT NULL,
    deleted_at    timestamptz,
    CONSTRAINT chat_events_pk PRIMARY KEY (shop_id, event_id)
);
CREATE INDEX chat_events_chat_ix ON wb.chat_events (shop_id, chat_id, add_timestamp, event_id);

-- What the vendor says of files (kind "file") and pictures (kind "image") in messages; the files themselves are fetched on demand.
CREATE TABLE wb.chat_attachments (
    shop_id       bigint NOT NULL,
    event_id      text NOT NULL,
    download_id   text NOT NULL,
    chat_id       text,
    kind          text,
    content_type  text,
    name          text,
    size          bigint,
    date          timestamptz,
    url           text,
    extra         jsonb,
    row_hash      bytea NOT NULL,
    first_seen_at timestamptz NOT NULL,
    synced_at     timestamptz NOT NULL,
    CONSTRAINT chat_attachments_pk PRIMARY KEY (shop_id, event_id, download_id)
);
CREATE INDEX chat_attachments_download_ix ON wb.chat_attachments (shop_id, download_id);

-- What people asked to be forgotten: documents that belong to these rows are blanked before they are hashed, in every read to come.
CREATE TABLE mpsync.erased (
    shop_id    bigint NOT NULL CONSTRAINT erased_shop_fk REFERENCES mpsync.shops ON DELETE CASCADE,
    table_name text NOT NULL,
    object_key text NOT NULL,
    erased_by  text NOT NULL,
    erased_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT erased_pk PRIMARY KEY (shop_id, table_name, object_key)
);

-- Why a read that ended well may not have seen everything; shown as the feed's reason until a read has no doubt.
ALTER TABLE mpsync.feeds ADD COLUMN doubt text;

-- Messages: events that say or show something. An erased message keeps its place with an empty text.
CREATE VIEW wb.chat_messages AS
SELECT e.shop_id, e.chat_id, e.event_id, e.sender, e.source, e.add_timestamp, e.add_time AS sent_at, e.text, e.client_name, e.attachments,
       coalesce(c.is_stub, true) AS is_stub,
       EXISTS (SELECT FROM mpsync.erased f WHERE f.shop_id = e.shop_id AND f.table_name = 'wb.chats' AND f.object_key = e.chat_id) AS erased
FROM wb.chat_events e
LEFT JOIN wb.chats c ON c.shop_id = e.shop_id AND c.chat_id = e.chat_id
WHERE e.deleted_at IS NULL AND (e.text IS NOT NULL OR e.attachments IS NOT NULL);

-- One line a chat. waiting_since: the first word of the buyer that the seller has not answered. first_answer: how long the buyer's first
-- word waited for the seller's. Both are known from events only. Put together without a join: while the statistics know nothing of a shop
-- that was just read, a join went over all of its events once for each chat.
CREATE VIEW wb.chat_summary AS
SELECT w.shop_id, w.chat_id, coalesce(max(w.listed_name), max(w.client_name) FILTER (WHERE w.sender = 'client')) AS client_name,
       (array_agg(w.good_card) FILTER (WHERE w.good_card IS NOT NULL))[1] AS good_card, bool_or(w.is_stub) AS is_stub,
       EXISTS (SELECT FROM mpsync.erased f WHERE f.shop_id = w.shop_id AND f.table_name = 'wb.chats' AND f.object_key = w.chat_id) AS erased,
       count(w.sender) AS messages, min(w.add_time) AS first_at, coalesce(max(w.add_time), to_timestamp(max(w.listed_ms) / 1000)) AS last_at,
       min(w.add_time) FILTER (WHERE w.sender = 'client' AND w.add_timestamp > coalesce(w.last_answer, 0)) AS waiting_since,
       min(w.add_time) FILTER (WHERE w.sender = 'seller' AND w.add_timestamp >= w.first_asked)
           - min(w.add_time) FILTER (WHERE w.sender = 'client') AS first_answer
FROM (
    SELECT u.*, max(u.add_timestamp) FILTER (WHERE u.sender = 'seller') OVER one AS last_answer,
           min(u.add_timestamp) FILTER (WHERE u.sender = 'client') OVER one AS first_asked
    FROM (
        SELECT c.shop_id, c.chat_id, c.client_name AS listed_name, c.good_card, c.is_stub,
               (c.last_message ->> 'addTimestamp')::numeric AS listed_ms, NULL::text AS sender, NULL::timestamptz AS add_time,
               NULL::bigint AS add_timestamp, NULL::text AS client_name
        FROM wb.chats c WHERE c.deleted_at IS NULL
        UNION ALL
        SELECT e.shop_id, e.chat_id, NULL, NULL, NULL, NULL, coalesce(e.sender, ''), e.add_time, e.add_timestamp, e.client_name
        FROM wb.chat_events e WHERE e.deleted_at IS NULL AND (e.text IS NOT NULL OR e.attachments IS NOT NULL)
    ) u
    WINDOW one AS (PARTITION BY u.shop_id, u.chat_id)
) w
GROUP BY w.shop_id, w.chat_id;

-- Statistics of a shop, and its messages by day of the vendor's calendar. Views, as they are quick enough (docs/howto/chats.md).
CREATE VIEW wb.chat_stats AS
SELECT shop_id, count(*) AS chats, count(*) FILTER (WHERE is_stub) AS stubs, sum(messages)::bigint AS messages,
       count(waiting_since) AS unanswered, min(waiting_since) AS oldest_waiting,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY first_answer) AS median_first_answer
FROM wb.chat_summary GROUP BY shop_id;

CREATE VIEW wb.chat_days AS
SELECT shop_id, (add_time AT TIME ZONE 'Europe/Moscow')::date AS day, count(*) AS messages,
       count(*) FILTER (WHERE sender = 'client') AS of_clients, count(*) FILTER (WHERE sender = 'seller') AS of_seller,
       count(DISTINCT chat_id) AS chats, count(*) FILTER (WHERE is_new_chat) AS new_chats
FROM wb.chat_events WHERE deleted_at IS NULL AND (text IS NOT NULL OR attachments IS NOT NULL) GROUP BY 1, 2;

-- The same by names that no vendor owns; chat_messages is what older programs read.
CREATE VIEW public.chats AS
SELECT shop_id AS store_id, chat_id, client_name, good_card AS goods, is_stub, erased, messages, first_at, last_at, waiting_since,
       first_answer
FROM wb.chat_summary;
CREATE VIEW public.chat_messages AS
SELECT shop_id AS store_id, chat_id, event_id AS message_id, sender, text, client_name, sent_at, add_timestamp AS sent_ms, attachments,
       is_stub, erased
FROM wb.chat_messages;
CREATE VIEW public.chat_attachments AS
SELECT shop_id AS store_id, chat_id, event_id AS message_id, download_id, kind, content_type, name, size
FROM wb.chat_attachments;

-- Runs by the names of older programs. Of a run that reads chats: chats_total were listed by the vendor; chats_synced of them are whole here,
-- 0 when the stream of events was not read to its end, null when the run did not read it; messages_added are the events that came new.
-- Subqueries, as people look at the newest runs only.
CREATE OR REPLACE VIEW public.sync_logs AS
SELECT r.run_id AS id,
       r.shop_id AS store_id,
       r.state AS status,
       (SELECT max(rf.seen) FROM mpsync.run_feeds rf JOIN mpsync.feeds f USING (feed_id)
         WHERE rf.run_id = r.run_id AND f.stream = 'chats') AS chats_total,
       (SELECT CASE bool_and(rf.verdict IS NOT DISTINCT FROM 'ok') FILTER (WHERE f.stream = 'chat_events')
                   WHEN true THEN max(rf.seen - rf.rejected) FILTER (WHERE f.stream = 'chats')
                   WHEN false THEN 0 * max(rf.seen) FILTER (WHERE f.stream = 'chats') END
          FROM mpsync.run_feeds rf JOIN mpsync.feeds f USING (feed_id)
         WHERE rf.run_id = r.run_id AND f.stream IN ('chats', 'chat_events')) AS chats_synced,
       (SELECT max(rf.inserted) FROM mpsync.run_feeds rf JOIN mpsync.feeds f USING (feed_id)
         WHERE rf.run_id = r.run_id AND f.stream = 'chat_events') AS messages_added,
       (SELECT 0::bigint FROM mpsync.run_feeds rf JOIN mpsync.feeds f USING (feed_id)
         WHERE rf.run_id = r.run_id AND f.stream IN ('chats', 'chat_events') LIMIT 1) AS chats_classified,  -- nothing classifies yet
       r.started_at,
       r.ended_at AS completed_at,
       CASE WHEN r.trigger = 'webhook' THEN 'webhook' ELSE r.mode END AS type,
       (SELECT string_agg(f.stream || ': ' || rf.reason, '; ' ORDER BY f.stream)
          FROM mpsync.run_feeds rf JOIN mpsync.feeds f USING (feed_id)
         WHERE rf.run_id = r.run_id AND rf.verdict IN ('failed', 'parked')) AS error
FROM mpsync.runs r;

-- Forgets what was said in chats: texts, names, goods, attachments, whatever was refused or reported of them. Rows and their times stay, so
-- that counts do not change. The locks are those of the merge: a page in hand is committed before, the next one knows of the erasure.
CREATE FUNCTION mpsync.erase_chats(shop bigint, chats text[], asked_by text, OUT erased bigint, OUT messages bigint, OUT attachments bigint)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('mpsyncd wb.chat_events', shop));
    PERFORM pg_advisory_xact_lock(hashtextextended('mpsyncd wb.chats', shop));
    INSERT INTO mpsync.erased (shop_id, table_name, object_key, erased_by) SELECT shop, 'wb.chats', chat, asked_by FROM unnest(chats) chat
    ON CONFLICT DO NOTHING;
    DELETE FROM mpsync.rejected_rows r WHERE r.shop_id = shop AND r.table_name IN ('wb.chats', 'wb.chat_events', 'wb.chat_attachments')
        AND (EXISTS (SELECT FROM unnest(chats) chat WHERE strpos(r.document, chat) > 0)
            OR EXISTS (SELECT FROM wb.chat_events e WHERE e.shop_id = shop AND e.chat_id = ANY (chats)
                AND (strpos(r.parent_key, e.event_id) > 0 OR strpos(r.object_key, e.event_id) > 0)));
    DELETE FROM mpsync.event_log l WHERE l.shop_id = shop AND l.table_name = 'wb.chats' AND l.object_key ->> 'chat_id' = ANY (chats);
    DELETE FROM mpsync.tracked t WHERE t.shop_id = shop AND t.table_name = 'wb.chats'
        AND EXISTS (SELECT FROM unnest(chats) chat WHERE strpos(t.object_key, chat) > 0);
    UPDATE mpsync.run_feeds rf SET error = rf.error - 'body' FROM mpsync.feeds f
        WHERE f.feed_id = rf.feed_id AND f.shop_id = shop AND f.stream IN ('chats', 'chat_events') AND rf.error ? 'body';
    UPDATE mpsync.feeds f SET error = f.error - 'body'
        WHERE f.shop_id = shop AND f.stream IN ('chats', 'chat_events') AND f.error ? 'body';
    DELETE FROM wb.chat_attachments a USING wb.chat_events e
        WHERE e.shop_id = shop AND e.chat_id = ANY (chats) AND a.shop_id = shop AND a.event_id = e.event_id;
    GET DIAGNOSTICS attachments = ROW_COUNT;
    UPDATE mpsync.table_counts c SET live = c.live - attachments WHERE c.shop_id = shop AND c.table_name = 'wb.chat_attachments';
    UPDATE wb.chat_events e SET text = CASE WHEN e.text IS NOT NULL OR e.attachments IS NOT NULL THEN '' END, attachments = NULL,
        reply_sign = NULL, client_name = NULL, extra = NULL, row_hash = '\x00'
        WHERE e.shop_id = shop AND e.chat_id = ANY (chats);
    GET DIAGNOSTICS messages = ROW_COUNT;
    UPDATE wb.chats c SET reply_sign = NULL, client_name = NULL, good_card = NULL, last_message = NULL, extra = NULL,
        row_hash = CASE WHEN c.row_hash = '' THEN c.row_hash ELSE '\x00' END
        WHERE c.shop_id = shop AND c.chat_id = ANY (chats);
    GET DIAGNOSTICS erased = ROW_COUNT;
END
$$;
