-- Users, their sessions and refresh tokens. A phone or e-mail may belong to several people (families share phones).

create table users (
  institute_id uuid not null references institutes (id),
  id uuid not null,
  name text not null check (length(name) between 1 and 120),
  email text check (email = lower(email) and length(email) <= 254),
  phone text check (phone ~ '^\+[1-9][0-9]{6,14}$'),
  password_hash text,
  roles text[] not null check (cardinality(roles) > 0 and roles <@ array['student', 'teacher', 'parent', 'admin']),
  permissions text[] not null default '{}'
    check (permissions <@ array['desk', 'academics', 'money', 'owner']),
  status text not null check (status in ('active', 'pending', 'disabled')),
  language text not null default 'en' check (language in ('en', 'hi')),
  theme text not null default 'system' check (theme in ('system', 'light', 'dark')),
  email_verified_at timestamptz,
  phone_verified_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (institute_id, id),
  check (permissions = '{}' or 'admin' = any (roles))
);
create index users_email on users (email) where email is not null;
create index users_phone on users (phone) where phone is not null;
create index users_name on users (institute_id, name, id) include (roles, status, created_at);
-- For the search of people (0005).
create index users_words on users using gist (institute_id, (' ' || name) gist_trgm_ops (siglen = 64));
create index users_email_start on users (institute_id, email text_pattern_ops) where email is not null;
create index users_phone_end on users (institute_id, reverse(phone) text_pattern_ops) where phone is not null;
create index users_owners on users (institute_id) where 'owner' = any (permissions);
select open_to_app('users', 'select, insert, update');

-- One sign-in on one device: a browser's (its cookie's hash is kept) or an app's (its refresh tokens hang on it).
create table sessions (
  institute_id uuid not null,
  id uuid not null,
  user_id uuid not null,
  kind text not null check (kind in ('web', 'api')),
  secret_hash bytea,
  role text not null,
  device_id text,
  platform text,
  app_version text,
  created_at timestamptz not null,
  seen_at timestamptz not null,
  expires_at timestamptz not null,
  changed_at timestamptz,
  revoked_at timestamptz,
  revoked_why text,
  primary key (institute_id, id),
  foreign key (institute_id, user_id) references users (institute_id, id),
  check ((kind = 'web') = (secret_hash is not null))
);
create unique index sessions_secret on sessions (institute_id, secret_hash) where secret_hash is not null;
create index sessions_user on sessions (institute_id, user_id) where revoked_at is null;
create index sessions_changed on sessions (changed_at) where changed_at is not null;
select open_to_app('sessions', 'select, insert, update, delete');

-- A token is used once; its successor is derived from it, so a phone that refreshes twice at once gets one successor.
create table refresh_tokens (
  institute_id uuid not null,
  hash bytea not null,
  session_id uuid not null,
  issued_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  primary key (institute_id, hash),
  foreign key (institute_id, session_id) references sessions (institute_id, id) on delete cascade
);
create index refresh_tokens_session on refresh_tokens (institute_id, session_id);
create index refresh_tokens_age on refresh_tokens (expires_at);
select open_to_app('refresh_tokens', 'select, insert, update, delete');
