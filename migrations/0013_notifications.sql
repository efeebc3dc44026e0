-- Notices to people: what happened (once), who is told (a row each), and what was sent outside, by which channel.

-- One happening, said in every language when it happens, however many people it goes to.
create table notices (
  institute_id uuid not null references institutes (id),
  id uuid not null,
  kind text not null,
  about uuid,
  texts jsonb not null,
  data jsonb not null,
  made_at timestamptz not null,
  at timestamptz not null,
  routed_at timestamptz,
  primary key (institute_id, id)
);
create index notices_about on notices (institute_id, about, kind) where about is not null;
create index notices_waiting on notices (institute_id, at) where routed_at is null;
create index notices_age on notices (at);
select open_to_app('notices', 'select, insert, update, delete');

-- What one person is told. `at` is when it shows: later than it was written where there is time to undo.
create table notifications (
  institute_id uuid not null,
  id uuid not null,
  notice_id uuid not null,
  user_id uuid not null,
  kind text not null,
  dedupe text,
  at timestamptz not null,
  read_at timestamptz,
  primary key (institute_id, id),
  foreign key (institute_id, notice_id) references notices (institute_id, id) on delete cascade,
  foreign key (institute_id, user_id) references users (institute_id, id)
);
create unique index notifications_notice on notifications (institute_id, notice_id, user_id);
create unique index notifications_dedupe on notifications (institute_id, user_id, kind, dedupe)
  where dedupe is not null;
create index notifications_list on notifications (institute_id, user_id, at desc, id desc);
create index notifications_unread on notifications (institute_id, user_id, at) where read_at is null;
select open_to_app('notifications', 'select, insert, update, delete');

-- What somebody chose otherwise than a group's default.
create table notification_choices (
  institute_id uuid not null,
  user_id uuid not null,
  topic text not null,
  channel text not null check (channel in ('push', 'email', 'sms')),
  wanted boolean not null,
  primary key (institute_id, user_id, topic, channel),
  foreign key (institute_id, user_id) references users (institute_id, id)
);
select open_to_app('notification_choices', 'select, insert, update, delete');

-- Browsers and apps that take push. One hangs on a sign-in and goes with it.
create table push_targets (
  institute_id uuid not null,
  id uuid not null,
  user_id uuid not null,
  session_id uuid not null,
  service text not null check (service in ('web', 'fcm')),
  address text not null check (length(address) <= 4096),
  address_hash bytea not null,
  client_key bytea check ((service = 'web') = (client_key is not null)),
  client_secret bytea check ((service = 'web') = (client_secret is not null)),
  created_at timestamptz not null,
  primary key (institute_id, id),
  foreign key (institute_id, user_id) references users (institute_id, id),
  foreign key (institute_id, session_id) references sessions (institute_id, id) on delete cascade
);
create unique index push_targets_address on push_targets (institute_id, address_hash);
create index push_targets_user on push_targets (institute_id, user_id);
create index push_targets_session on push_targets (institute_id, session_id);
select open_to_app('push_targets', 'select, insert, update, delete');

-- However a sign-in ends, its device rings no more.
create function drop_push_targets() returns trigger
  language plpgsql as $$
begin
  delete from push_targets where institute_id = new.institute_id and session_id = new.id;
  return null;
end $$;
create trigger sessions_drop_push after update of revoked_at on sessions
  for each row when (new.revoked_at is not null) execute function drop_push_targets();

-- One sending outside: a notification by a channel to a target (a push target; else the person).
--   waiting -> sending -> sent, or failed, or waiting again; dropped where it came to nothing before it was sent.
-- `batch` names the mail of a digest and the intent of every other: it outlives a worker that died while sending.
create table deliveries (
  institute_id uuid not null,
  id uuid not null,
  notification_id uuid not null,
  user_id uuid not null,
  channel text not null check (channel in ('push', 'email', 'sms')),
  target_id uuid not null,
  state text not null default 'waiting' check (state in ('waiting', 'sending', 'sent', 'failed', 'dropped')),
  digest boolean not null default false,
  due_at timestamptz not null,
  lapses_at timestamptz not null,
  attempts smallint not null default 0,
  claim uuid,
  batch uuid,
  provider_id text,
  why text,
  done_at timestamptz,
  primary key (institute_id, id),
  foreign key (institute_id, notification_id) references notifications (institute_id, id) on delete cascade
);
create unique index deliveries_once on deliveries (institute_id, notification_id, channel, target_id);
create index deliveries_due on deliveries (institute_id, due_at) where state in ('waiting', 'sending');
select open_to_app('deliveries', 'select, insert, update, delete');

-- Addresses that a provider refused for good, by hash: a changed address is a new one.
create table dead_addresses (
  institute_id uuid not null,
  user_id uuid not null,
  channel text not null check (channel in ('email', 'sms')),
  address_hash bytea not null,
  found_at timestamptz not null,
  primary key (institute_id, user_id, channel, address_hash),
  foreign key (institute_id, user_id) references users (institute_id, id)
);
select open_to_app('dead_addresses', 'select, insert, delete');

-- What paid messages cost, a row a message; written before it is sent, so that no crash makes one free.
create table message_costs (
  institute_id uuid not null references institutes (id),
  delivery_id uuid not null,
  user_id uuid not null,
  day date not null,
  channel text not null check (channel in ('sms')),
  segments smallint not null check (segments > 0),
  paise bigint not null check (paise >= 0),
  at timestamptz not null,
  primary key (institute_id, delivery_id)
);
create index message_costs_day on message_costs (institute_id, day, user_id);
select open_to_app('message_costs', 'select, insert');

-- As in 0007, and notices of half a year ago go with all that hangs on them.
create or replace function sweep(at timestamptz) returns bigint
  language sql security definer set search_path = public, pg_temp as $$
    with keys as (delete from idempotency_keys where created_at < sweep.at - interval '24 hours' returning 1),
      tokens as (delete from refresh_tokens where expires_at < sweep.at - interval '1 day' returning 1),
      limits as (delete from rate_limits where tat < sweep.at - interval '1 hour' returning 1),
      old as (delete from notices n where n.at < sweep.at - interval '180 days' returning 1)
    select (select count(*) from keys) + (select count(*) from tokens) + (select count(*) from limits)
      + (select count(*) from old)
  $$;
