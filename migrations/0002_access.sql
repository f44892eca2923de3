-- Access tokens of people and programs that use the HTTP server.

CREATE TABLE mpsync.access_tokens (
    token_id     text CONSTRAINT access_tokens_pk PRIMARY KEY,   -- the public part of the token, by which it is found
    digest       bytea NOT NULL CONSTRAINT access_tokens_digest_ck CHECK (octet_length(digest) = 32),  -- SHA-256 of the whole token
    name         text NOT NULL,
    role         text NOT NULL CONSTRAINT access_tokens_role_ck CHECK (role IN ('viewer', 'operator', 'admin')),
    bound        boolean NOT NULL,
    customers    bigint[] NOT NULL DEFAULT '{}',  -- no foreign keys here: a token whose last shop is gone must see nothing, not everything
    shops        bigint[] NOT NULL DEFAULT '{}',
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,                     -- exact to a minute
    expires_at   timestamptz,
    revoked_at   timestamptz,
    CONSTRAINT access_tokens_bound_ck CHECK (bound OR (customers = '{}' AND shops = '{}'))
);
CREATE UNIQUE INDEX access_tokens_name_uq ON mpsync.access_tokens (name) WHERE revoked_at IS NULL;
