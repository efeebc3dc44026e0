-- What every feature stands on: the tenant, rights, formats of the API, audit, limits, repeated requests.

create extension if not exists btree_gist;
create extension if not exists pg_trgm;
create extension if not exists unaccent;

-- The tenant of this connection; null when none is set, which then equals no row.
create function tenant() returns uuid
  language sql stable parallel safe
  return nullif(current_setting('app.institute_id', true), '')::uuid;

-- Times and numbers as the API promises them: UTC with Z and milliseconds; no trailing zeros.
create function iso(moment timestamptz) returns text
  language sql stable parallel safe
  return to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');
create function num(value numeric) returns numeric
  language sql immutable parallel safe
  return trim_scale(value);

-- Opens a table to the application: the given rights, and rows of its tenant only. Every table with institute_id
-- goes through here; append-only tables simply do not name update and delete.
-- The inner select keeps plans: a bare current_setting() is called for each row.
create function open_to_app(target regclass, rights text) returns void
  language plpgsql as $$
begin
  execute format('grant %s on table %s to %I', rights, target, current_setting('kaksha.app_role'));
  execute format('alter table %s enable row level security', target);
  execute format(
    'create policy tenant on %s using (institute_id = (select tenant())) with check (institute_id = (select tenant()))',
    target);
end $$;
revoke all on function open_to_app(regclass, text) from public;

-- Personal values in the audit are sealed with a key per person: erasing the person drops the key.
create table person_keys (
  institute_id uuid not null,
  user_id uuid not null,
  sealed_key bytea not null,
  primary key (institute_id, user_id)
);
select open_to_app('person_keys', 'select, insert, delete');

create table audit_log (
  institute_id uuid not null,
  id uuid not null,
  at timestamptz not null,
  actor_id uuid,
  request_id text,
  action text not null,
  subject_id uuid,
  before jsonb,
  after jsonb,
  person_id uuid,
  sealed bytea,
  primary key (institute_id, id)
);
create index audit_log_subject on audit_log (institute_id, subject_id, id);
select open_to_app('audit_log', 'select, insert');

-- The first committed answer to a request that carried an Idempotency-Key, kept 24 h.
create table idempotency_keys (
  institute_id uuid not null,
  user_id uuid not null,
  route text not null,
  key text not null,
  body_hash bytea not null,
  status smallint not null,
  location text,
  answer bytea not null,
  created_at timestamptz not null,
  primary key (institute_id, user_id, route, key)
);
create index idempotency_keys_age on idempotency_keys (created_at);
select open_to_app('idempotency_keys', 'select, insert, delete');

-- GCRA: one row a key, holding the theoretical arrival time of the next request. Lost in a crash on purpose.
create unlogged table rate_limits (
  key bytea primary key,
  tat timestamptz not null
);
do $$ begin
  execute format('grant select, insert, update, delete on rate_limits to %I', current_setting('kaksha.app_role'));
end $$;

-- One request against a limit of `burst` at once and one more each `period` after that.
-- Answers whether it is allowed, how many more fit now, and the seconds until the next one would be.
create function take_limit(
  limit_key bytea, period interval, burst integer, at timestamptz,
  out allowed boolean, out remaining integer, out retry_after double precision
) language plpgsql as $$
declare
  next_tat timestamptz;
begin
  insert into rate_limits as r (key, tat) values (limit_key, at + period)
    on conflict (key) do update set tat = greatest(r.tat, at) + period
      where greatest(r.tat, at) + period <= at + period * burst
    returning tat into next_tat;
  allowed := next_tat is not null;
  if allowed then
    remaining := floor(extract(epoch from at + period * burst - next_tat) / extract(epoch from period));
    retry_after := 0;
  else
    remaining := 0;
    select extract(epoch from r.tat + period - (at + period * burst)) into retry_after from rate_limits r where r.key = limit_key;
  end if;
end $$;
