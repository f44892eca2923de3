-- Analytics that somebody asked for: one task over one or many shops, each with its request for a run. How far it is follows from the runs.
-- batch_size: in how many products at a time progress is told; it never changes how much is asked of the vendor.
CREATE TABLE mpsync.analytics_tasks (
    task_id      uuid        NOT NULL DEFAULT gen_random_uuid(),
    batch_size   integer     NOT NULL,
    requested_by text        NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT analytics_tasks_pk PRIMARY KEY (task_id),
    CONSTRAINT analytics_tasks_batch_ck CHECK (batch_size BETWEEN 1 AND 100000)
);

CREATE TABLE mpsync.analytics_requests (
    task_id    uuid   NOT NULL,
    request_id bigint NOT NULL,
    shop_id    bigint NOT NULL,
    CONSTRAINT analytics_requests_pk PRIMARY KEY (task_id, request_id),
    CONSTRAINT analytics_requests_task_fk FOREIGN KEY (task_id) REFERENCES mpsync.analytics_tasks (task_id) ON DELETE CASCADE,
    CONSTRAINT analytics_requests_request_fk FOREIGN KEY (request_id) REFERENCES mpsync.run_requests (request_id) ON DELETE CASCADE
);
CREATE INDEX analytics_requests_shop_ix ON mpsync.analytics_requests (shop_id, request_id);
CREATE INDEX analytics_requests_request_ix ON mpsync.analytics_requests (request_id);
