-- Streams that are read for the rows of another one: who waits for whom, how far a slice without time is, what was passed by.

ALTER TABLE mpsync.feeds ADD COLUMN waits_for text;             -- a stream of the same shop whose next complete walk wakes this feed
ALTER TABLE mpsync.slices ADD COLUMN share double precision;    -- committed share, 0 to 1, where the cursor is no time
ALTER TABLE mpsync.run_feeds ADD COLUMN skipped bigint NOT NULL DEFAULT 0;  -- parents that the vendor has no more
