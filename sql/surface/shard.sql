COMMENT ON FUNCTION auth_store.token_bucket IS
    E'The bucket, 0 to 4095, where the rows of a token are once the store is spread over several databases: of a token '
    'of the store, of any kind, the 12 bits of the id in it; of any other text, such as a refresh token that another '
    'store issued, the first 12 bits of its SHA-256. 0 for NULL, an empty text and one over 16384 bytes.\n'
    'A token of the store has a prefix of 1 to 32 letters, digits, _ and -, the last of them _, and 64 characters of '
    'base64url (86 after asrt_), whose first 16 bytes are an id of the store: a UUID of version 8. A JWT is one if its '
    'claim jti is such a UUID. Reads no table and no setting, and raises no error.';
ALTER FUNCTION auth_store.token_bucket COST 100;
GRANT EXECUTE ON FUNCTION auth_store.token_bucket TO
    auth_store_app, auth_store_reader, auth_store_verifier, auth_store_admin, auth_store_worker;

COMMENT ON FUNCTION auth_store.key_bucket IS
    'The bucket, 0 to 4095, of an API key, by the rule of token_bucket(): a key that was imported from another store '
    'is found by its SHA-256.';
ALTER FUNCTION auth_store.key_bucket COST 100;
GRANT EXECUTE ON FUNCTION auth_store.key_bucket TO
    auth_store_app, auth_store_reader, auth_store_verifier, auth_store_admin, auth_store_worker;

COMMENT ON FUNCTION auth_store.id_bucket IS
    'The bucket, 0 to 4095, in an id of the store, of a user, session, grant, API key or anything else: the 12 bits '
    'after the version of any uuid, ((id[6] & 15) << 8) | id[7] of its bytes. 0 for NULL.';
ALTER FUNCTION auth_store.id_bucket COST 100;
GRANT EXECUTE ON FUNCTION auth_store.id_bucket TO
    auth_store_app, auth_store_reader, auth_store_verifier, auth_store_admin, auth_store_worker;

COMMENT ON FUNCTION auth_store.user_bucket IS
    E'The bucket, 0 to 4095, where a name of a user is looked for: the first 12 bits of SHA-256 of the tenant, a zero '
    'byte and the name as it is compared (user_names.name_key). A new user with this as the first name has the bucket '
    'in the id; a user''s other names lead there from their own buckets, see user_locate().\n'
    'tenant_id: NULL for the tenant default; this function does not know to which tenant a session is pinned. '
    'kind: email, external, phone, username, or identity: an account at a provider, name being the provider, a space '
    'and the subject there, and the SHA-256 that of the three with zero bytes between them. NULL, for what a person '
    'typed, as in user_find(). '
    '0 for a text that is no name of its kind. Reads no table and no setting, and raises no error.';
ALTER FUNCTION auth_store.user_bucket COST 100;
GRANT EXECUTE ON FUNCTION auth_store.user_bucket TO
    auth_store_app, auth_store_reader, auth_store_verifier, auth_store_admin, auth_store_worker;

COMMENT ON FUNCTION auth_store.client_bucket IS
    'The bucket, 0 to 4095, of what belongs to a client and to no user: the first 12 bits of SHA-256 of client_id. '
    'Its device codes, pushed requests and tokens of its own are there. 0 for NULL and an empty text.';
ALTER FUNCTION auth_store.client_bucket COST 100;
GRANT EXECUTE ON FUNCTION auth_store.client_bucket TO
    auth_store_app, auth_store_reader, auth_store_verifier, auth_store_admin, auth_store_worker;

COMMENT ON FUNCTION auth_store.actor_bucket IS
    'The bucket, 0 to 4095, of the connections of an actor: of a user''s id that the store has made, as 36 characters, '
    'the bucket in it; of any other text the first 12 bits of SHA-256 of the tenant, a zero byte and the text, so that '
    'the connections of an external id are where user_ensure() has the user. '
    'tenant_id: NULL for the tenant default. 0 for an actor_id that is NULL or empty.';
ALTER FUNCTION auth_store.actor_bucket COST 100;
GRANT EXECUTE ON FUNCTION auth_store.actor_bucket TO
    auth_store_app, auth_store_reader, auth_store_verifier, auth_store_admin, auth_store_worker;

COMMENT ON FUNCTION auth_store.user_code_bucket IS
    'The bucket, 0 to 4095, that a user code carries in the first three of its eleven letters, as digits of base 20 '
    '(BCDFGHJKLMNPQRSTVWXZ), in any case, with or without dashes, spaces and other marks: that of its device code. '
    '0 for one of eight letters, made where auth_store.sharded is off, and for any other text.';
ALTER FUNCTION auth_store.user_code_bucket COST 100;
GRANT EXECUTE ON FUNCTION auth_store.user_code_bucket TO
    auth_store_app, auth_store_reader, auth_store_verifier, auth_store_admin, auth_store_worker;

COMMENT ON FUNCTION auth_store.claim_bucket IS
    'The bucket, 0 to 4095, where jti_claim() is called for this issuer and jti, so that two calls meet: the first 12 '
    'bits of SHA-256 of both with a zero byte between them. 0 where one is NULL or empty.';
ALTER FUNCTION auth_store.claim_bucket COST 100;
GRANT EXECUTE ON FUNCTION auth_store.claim_bucket TO
    auth_store_app, auth_store_reader, auth_store_verifier, auth_store_admin, auth_store_worker;

COMMENT ON FUNCTION auth_store.dpop_bucket IS
    'The bucket, 0 to 4095, where dpop_verify() is called for this proof, so that two presentations meet: the first 12 '
    'bits of SHA-256 of the jti in it. No signature is looked at. 0 for a text that is no proof or has no jti.';
ALTER FUNCTION auth_store.dpop_bucket COST 100;
GRANT EXECUTE ON FUNCTION auth_store.dpop_bucket TO
    auth_store_app, auth_store_reader, auth_store_verifier, auth_store_admin, auth_store_worker;

COMMENT ON FUNCTION auth_store.text_bucket IS
    'The bucket, 0 to 4095, of a text that has no other meaning to the store, as the key of rate_limit_hit(): the '
    'first 12 bits of its SHA-256. 0 for NULL, an empty text and one over 16384 bytes.';
ALTER FUNCTION auth_store.text_bucket COST 100;
GRANT EXECUTE ON FUNCTION auth_store.text_bucket TO
    auth_store_app, auth_store_reader, auth_store_verifier, auth_store_admin, auth_store_worker;

COMMENT ON FUNCTION auth_store.user_id_new IS
    'A new id for a user whose first name this is, in the bucket of the name: for user_create(id => …) on the shard of '
    'that bucket, after the user''s other names were claimed for it. Stores nothing. name, kind: as in user_bucket(); '
    '22004 for NULL, 22023 for what is none. tenant_id: default the session''s; need not exist here.';
ALTER FUNCTION auth_store.user_id_new COST 100;
GRANT EXECUTE ON FUNCTION auth_store.user_id_new TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.user_locate IS
    'The id of the user who has this name, also of one who lives on another shard: to be asked on the shard of '
    'user_bucket(); what follows goes by id_bucket() of the answer. NULL where nobody has it, or the claim was not '
    'confirmed yet. name, kind: as in user_bucket(); 22004 for NULL, 22023 for an unknown kind. '
    'tenant_id: default the session''s; 23503 where it is unknown. Says nothing of the user''s status. '
    'Read-only, also on a standby.';
ALTER FUNCTION auth_store.user_locate COST 1000;
GRANT EXECUTE ON FUNCTION auth_store.user_locate TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.user_name_claim IS
    E'Claims a name for a user who lives, or is going to live, on another shard: to be called on the shard of '
    'user_bucket() of the name, for each name whose bucket is not that of the user''s id, also where both buckets are '
    'on one shard today. claimed is true where it is the user''s, also if it was before; otherwise user_id says who '
    'has it, with error email_taken, name_taken or identity_taken, and retry_after, in seconds, where that user''s '
    'claim is not confirmed either. Of two calls at once one gets the name. While a claim lives nobody of this shard '
    'gets the name: user_create(), user_name_add(), identity_link() and their like refuse it as taken.\n'
    'It lapses after ttl (5 min; 1 second to 1 day, 22023) unless user_name_confirm() is called. '
    'auth_store.sharded must be on here and on all shards; 55000 where it is off, and nobody would heed the claim. '
    'user_id: 22004 for NULL; need not exist here, and is 23503 where it does in another tenant. '
    'kind, name: as in user_bucket(), both given. '
    'tenant_id: default the session''s; 23503 where it is unknown. '
    'ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.user_name_claim COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.user_name_claim TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.user_name_confirm IS
    'Makes the claim of a name good: the user exists and has the name. Makes the claim where there is none, or it has '
    'lapsed and nobody else has claimed the name since; so it can be repeated, also for users who were there before. '
    'The answer is that of user_name_claim(); where claimed is false, another user has the name by now, and it is to '
    'be taken away from this one.';
ALTER FUNCTION auth_store.user_name_confirm COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.user_name_confirm TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.user_name_release IS
    'Gives up the claim of a user to a name, confirmed or not: the name is free then. With neither kind nor name, all '
    'claims of the user in this database. False where there was none. To be called when the name was taken away from '
    'the user, when the user could not be made, and before user_erase(). The arguments are those of '
    'user_name_confirm().';
ALTER FUNCTION auth_store.user_name_release COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.user_name_release TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.user_claims IS
    'The names of a user of this shard, accounts at providers among them, that are to be claimed: those whose bucket '
    'is not the one of the user''s id. To be confirmed after the user was made, and released before user_erase(). No '
    'row for an unknown user. Read-only, also on a standby. 22004 for NULL.';
ALTER FUNCTION auth_store.user_claims COST 1000 ROWS 5;
GRANT EXECUTE ON FUNCTION auth_store.user_claims TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.shard_tables IS
    'Which rows move with their bucket to another database, in the order in which rows are locked. moves: id, '
    'user_id, grant_id, api_key_id, actor_id, name, by the bucket of that; along, all are copied, because they only '
    'refuse; keys, those are copied that the other database lacks; stays, they stay where they were written; '
    'shared, every database has them. buckets: SQL for the buckets of a row, in which format() puts NEW., OLD. or '
    'nothing for %1$s; whole_rows: the key does not say them, so a publication by them needs REPLICA IDENTITY FULL.';
ALTER FUNCTION auth_store.shard_tables COST 10 ROWS 60;
GRANT EXECUTE ON FUNCTION auth_store.shard_tables TO auth_store_admin;

COMMENT ON FUNCTION auth_store.shard_move_sql IS
    'A part of the move of the buckets first_bucket to last_bucket (0 to 4095) from one shard to another, as a '
    'script for psql, which a superuser of both runs. source, target: their connection strings; the target''s '
    'server connects to the source by the first one too. source_buckets, target_buckets: which buckets live on each '
    'before the move, as 0-1365, 2048-2303. part: copy, the rows with what changes in them; switch, the fence and '
    'the rest, in a second or two, after which the map is to be flipped; forget, the deletion at the source, once '
    'every client has the new map; cancel, instead of switch, undoes copy. docs/how-to/shards_moving.md has it all. '
    '22004 for NULL, 22023 for another part, buckets out of range or ranges that do not fit.';
ALTER FUNCTION auth_store.shard_move_sql COST 100;
GRANT EXECUTE ON FUNCTION auth_store.shard_move_sql TO auth_store_admin;

COMMENT ON FUNCTION auth_store.shard_fenced IS 'The buckets whose rows nobody can write here: shard_fence().';
ALTER FUNCTION auth_store.shard_fenced COST 100;
GRANT EXECUTE ON FUNCTION auth_store.shard_fenced TO auth_store_admin;

COMMENT ON PROCEDURE auth_store.shard_fence IS
    'Fences the buckets first_bucket to last_bucket (0 to 4095), beside those that are fenced: from then on a call '
    'that would write one of their rows here raises 55006, with the hint to look into the map again. Waits for all '
    'transactions that have written to the tables, up to two minutes, and makes others wait for a moment only '
    'each time. For superusers: it makes a trigger on each table that moves, which at other times is not there. '
    '55P03 if a transaction goes on for longer, 22004 and 22023 for other buckets.';
COMMENT ON PROCEDURE auth_store.shard_unfence IS
    'Takes the fence of the buckets first_bucket to last_bucket away: they live here, or every client knows that they '
    'do not. For superusers.';
COMMENT ON PROCEDURE auth_store.shard_fence_set IS
    'What shard_fence() and shard_unfence() call: fences these buckets and no other.';
COMMENT ON PROCEDURE auth_store.shard_forget IS
    'Deletes what the database has of the buckets first_bucket to last_bucket, which have moved to another shard: some '
    'pages of a table in each transaction (1 to 1000000), with a NOTICE for each table. kept_buckets, those that stay, '
    'say how much there is to do. 55000 unless the buckets are fenced and no longer published. For superusers, and not '
    'within a transaction (2D000).';
COMMENT ON FUNCTION auth_store.shard_range IS
    'The buckets first_bucket to last_bucket as a multirange. 22004 for NULL, 22023 for others than 0 to 4095.';
ALTER FUNCTION auth_store.shard_range COST 100;
COMMENT ON FUNCTION auth_store.shard_refuse IS
    'Of the triggers that shard_fence() makes: raises 55006. cleanup() passes by rows of fenced buckets: see the '
    'setting auth_store.pass_fenced.';
ALTER FUNCTION auth_store.shard_refuse COST 10000;
COMMENT ON FUNCTION auth_store.shard_arrive IS
    'Of the trigger that is there while buckets arrive: merges a row that arrives with what is here already; a vault '
    'key arrives retired.';
ALTER FUNCTION auth_store.shard_arrive COST 10000;
COMMENT ON FUNCTION auth_store.shard_names_claim IS
    'A step of a move: claims for good the names and accounts of users whose buckets are among users, where their own '
    'bucket is among names: one of both is about to be in another database. Each an int4multirange, as {[0,1366)}. '
    'Returns how many were not claimed before. For superusers. 22004 and 22023 for other texts, 55000 where another '
    'user has claimed one.';
ALTER FUNCTION auth_store.shard_names_claim COST 100000;
