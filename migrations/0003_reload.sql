-- Shops that a file lists, versions of keys, and every reading of settings and shops again with what came of it.

ALTER TABLE mpsync.shops
    ADD COLUMN list_file text,    -- the shop list that this shop comes from; NULL: it was added by command
    ADD COLUMN list_line integer, -- where its entry begins; NULL while the entry is gone
    ADD CONSTRAINT shops_list_ck CHECK (list_file IS NOT NULL OR list_line IS NULL);

-- Grows with every change of a key, so that of two readings of it the later one is known, whatever the clocks say.
CREATE SEQUENCE mpsync.key_versions;
ALTER TABLE mpsync.shop_secrets ADD COLUMN version bigint NOT NULL DEFAULT nextval('mpsync.key_versions');

CREATE TABLE mpsync.reloads (
    run_id     bigint NOT NULL DEFAULT nextval('mpsync.runs_run_id_seq') CONSTRAINT reloads_pk PRIMARY KEY,  -- one row of numbers with runs
    daemon_id  uuid NOT NULL,
    asked_by   text[] NOT NULL,
    state      text NOT NULL CONSTRAINT reloads_state_ck CHECK (state IN ('applied', 'unchanged', 'refused')),
    changes    text[] NOT NULL DEFAULT '{}',  -- in words, never a secret
    problems   text[] NOT NULL DEFAULT '{}',
    started_at timestamptz NOT NULL,
    ended_at   timestamptz NOT NULL
);

-- What a command asks of one daemon; a reload that was asked for several times answers all of them.
CREATE TABLE mpsync.reload_requests (
    request_id   bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT reload_requests_pk PRIMARY KEY,
    daemon_id    uuid NOT NULL,
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    run_id       bigint CONSTRAINT reload_requests_reload_fk REFERENCES mpsync.reloads ON DELETE CASCADE
);
CREATE INDEX reload_requests_open_ix ON mpsync.reload_requests (daemon_id) WHERE run_id IS NULL;
CREATE INDEX reload_requests_reload_ix ON mpsync.reload_requests (run_id);
