-- Who signs in to the dashboard, and row security on everything that tells of customers.

create schema if not exists access;
comment on schema access is 'Users of the dashboard, their sign-ins, and whose customers each of them sees; read by the owner alone.';

create table access.user_account (
    email text primary key check (email = lower(email) and email like '%_@_%'),
    full_name text,
    role text not null check (role in ('admin', 'marketing', 'supervisor', 'sales', 'analyst', 'viewer')),
    supervisor_email text references access.user_account (email) on update cascade,
    password_hash text,
    failed_attempts integer not null default 0,
    locked_until timestamptz,
    is_active boolean not null default true,
    created_at timestamptz not null default clock_timestamp(),
    last_sign_in_at timestamptz,
    check (supervisor_email <> email)
);
create index user_account_supervisor on access.user_account (supervisor_email);
comment on table access.user_account is 'Users of the dashboard. Manage them with: python -m include.warehouse user.';
comment on column access.user_account.email is 'E-mail address in small letters: the name to sign in with, and whose customers they are by responsible_email.';
comment on column access.user_account.full_name is 'Full name.';
comment on column access.user_account.role is 'admin, marketing, supervisor, sales, analyst or viewer.';
comment on column access.user_account.supervisor_email is 'The supervisor, who sees this user''s customers too.';
comment on column access.user_account.password_hash is 'Argon2id hash of the password; null: signs in through the company''s login alone.';
comment on column access.user_account.failed_attempts is 'Attempts since the last sign-in.';
comment on column access.user_account.locked_until is 'No password is accepted until then.';
comment on column access.user_account.is_active is 'Whether the user may sign in.';
comment on column access.user_account.created_at is 'When the user was added.';
comment on column access.user_account.last_sign_in_at is 'When the user last signed in.';

create table access.sign_in_event (
    sign_in_event_id bigint generated always as identity primary key,
    happened_at timestamptz not null default clock_timestamp(),
    email text,
    method text not null check (method in ('password', 'oidc')),
    outcome text not null
        check (outcome in ('signed_in', 'signed_out', 'wrong_password', 'unknown_user', 'inactive', 'locked'))
);
create index sign_in_event_email on access.sign_in_event (email, happened_at);
comment on table access.sign_in_event is 'Every sign-in, sign-out and refusal.';
comment on column access.sign_in_event.sign_in_event_id is 'Key.';
comment on column access.sign_in_event.happened_at is 'When.';
comment on column access.sign_in_event.email is 'E-mail address as it was given; null where what was given is none.';
comment on column access.sign_in_event.method is 'password, or oidc: the company''s login.';
comment on column access.sign_in_event.outcome is 'signed_in, signed_out, or why it was refused: wrong_password, unknown_user, inactive or locked.';

insert into ops.setting (setting, value, description) values
    ('sign_in_attempts', '5', 'A user is locked after this many failed attempts to sign in.'),
    ('sign_in_lock_minutes', '15', 'Minutes for which a user is locked then.');

create index customer_version_responsible on core.customer_version (lower(responsible_email))
where version_to = 'infinity' and known_to = 'infinity';

-- Policies are made by mart.grant_readers, because the roles that they name belong to the server. Without a policy a reader
-- sees no row; the owner, who loads and builds, sees all.
alter table core.sale_line enable row level security;
alter table core.sale_line_superseded enable row level security;
alter table core.sale_line_waiting enable row level security;
alter table core.customer_version enable row level security;
alter table crm.customer_month enable row level security;
alter table crm.customer_known enable row level security;
alter table crm.customer_first_seen enable row level security;
alter table crm.pending_change enable row level security;
alter table crm.touched_customer enable row level security;
alter table crm.touched_fact enable row level security;
alter table crm.measure enable row level security;
alter table crm.snapshot enable row level security;
alter table crm.snapshot_unpublished enable row level security;
alter table crm.snapshot_history enable row level security;
alter table crm.month_summary enable row level security;
alter table ops.rejected_record enable row level security;
alter table ops.failed_row enable row level security;
