CREATE TYPE auth_store.policy AS (
    password_min_length        integer,
    password_min_score         integer,
    password_history           integer,
    password_max_age           integer,
    password_check_common      boolean,
    password_check_breached    boolean,
    password_check_similarity  boolean,
    lockout_threshold          integer,
    lockout_user_threshold     integer,
    lockout_duration           integer,
    lockout_max                integer,
    show_locked                boolean,
    mfa                        text,
    mfa_required_at            timestamptz,
    mfa_grace                  integer,
    trusted_device_ttl         integer,
    passkey_rp_id              text,
    passkey_rp_name            text,
    passkey_origins            text[],
    passkey_user_verification  text,
    passkey_allow_cross_origin boolean,
    identity_link_by_email     boolean,
    anonymous_ttl              integer,
    mail_max_per_hour          integer,
    mail_max_per_day           integer,
    mail_interval              integer,
    otp_ttl                    integer,
    otp_max_attempts           integer,
    one_time_ttl               integer,
    invitation_ttl             integer
);
COMMENT ON TYPE auth_store.policy IS 'The rules for log-ins that hold in a tenant.';

CREATE TYPE auth_store.breach_prefix AS (
    prefix text,
    suffix text
);
COMMENT ON TYPE auth_store.breach_prefix IS 'The SHA-1 of a password, as services of breached passwords are asked.';
