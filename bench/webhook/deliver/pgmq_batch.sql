-- The same with all fifty archived by one statement.
WITH picked AS (
    SELECT msg_id FROM pgmq_queue WHERE vt <= clock_timestamp() ORDER BY msg_id LIMIT 50 FOR UPDATE SKIP LOCKED
), read AS (
    UPDATE pgmq_queue q SET vt = clock_timestamp() + interval '1 min', read_ct = read_ct + 1
      FROM picked p WHERE q.msg_id = p.msg_id RETURNING q.msg_id, q.message
)
SELECT count(message), coalesce(min(msg_id), 0) AS first, coalesce(max(msg_id), 0) AS last,
       array_agg(msg_id) AS ids FROM read \gset
WITH done AS (DELETE FROM pgmq_queue WHERE msg_id = ANY (:ids::bigint[]) RETURNING *)
INSERT INTO pgmq_archive (msg_id, vt, read_ct, enqueued_at, message)
SELECT msg_id, vt, read_ct, enqueued_at, message FROM done;
