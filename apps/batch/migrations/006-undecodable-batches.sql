-- A batch in the log that no reader can decode is one reject: "offset" is its first offset, last_offset its last one, value
-- the batch itself, or NULL if it is too large to be kept. NULL in the rejects of single records.
ALTER TABLE ride.rejects ADD COLUMN last_offset bigint;
