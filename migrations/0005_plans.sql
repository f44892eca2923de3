-- What a feed was planned to cost when its run began: HTTP requests, and by limit the seconds that they take there. Frozen for the run.
-- plan_unsure: it is at least that much, for nobody could know how much there is.
ALTER TABLE mpsync.run_feeds
    ADD COLUMN planned_requests integer,
    ADD COLUMN planned_seconds  jsonb,
    ADD COLUMN plan_unsure      boolean NOT NULL DEFAULT true;

-- The same of a feed's first run: how much it weighs in the percent of the shop's first load.
ALTER TABLE mpsync.feeds ADD COLUMN weight double precision;
