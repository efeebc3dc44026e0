-- Where people signed in from before, as hashes only: strangers' wrong guesses elsewhere do not keep them out.

create table sign_in_places (
  key bytea primary key,
  seen_at timestamptz not null
);
create index sign_in_places_age on sign_in_places (seen_at);
do $$ begin
  execute format('grant select, insert, update on sign_in_places to %I', current_setting('kaksha.app_role'));
end $$;

-- As in 0007, and what else is past its time: links, sign-ins that ended half a year ago (until then they tell a new
-- device from an old one), places that nobody signed in from for as long.
create or replace function sweep(at timestamptz) returns bigint
  language sql security definer set search_path = public, pg_temp as $$
    with keys as (delete from idempotency_keys where created_at < at - interval '24 hours' returning 1),
      tokens as (delete from refresh_tokens where expires_at < at - interval '1 day' returning 1),
      limits as (delete from rate_limits where tat < at - interval '1 hour' returning 1),
      links as (delete from one_time_tokens where expires_at < at - interval '7 days' returning 1),
      ended as (
        delete from sessions s where coalesce(s.revoked_at, s.expires_at) < at - interval '180 days'
          and not exists (
            select from refresh_tokens t where t.institute_id = s.institute_id and t.session_id = s.id)
        returning 1),
      places as (delete from sign_in_places where seen_at < at - interval '180 days' returning 1)
    select (select count(*) from keys) + (select count(*) from tokens) + (select count(*) from limits)
      + (select count(*) from links) + (select count(*) from ended) + (select count(*) from places)
  $$;

-- Counts a guess: against the place's own count when it is known, else against those of the place, the login and the
-- address, in this order. Answers which place is known, and the seconds to wait when there is no room (else 0).
create function begin_guess(
  places bytea[], known_keys bytea[], strange_keys bytea[], periods interval[], bursts integer[], at timestamptz,
  out known bigint, out retry_after double precision
) language plpgsql as $$
begin
  select min(p.number) into known from unnest(places) with ordinality p (key, number)
    join sign_in_places s on s.key = p.key;
  if known is not null then
    select t.retry_after into retry_after from take_limit(known_keys[known], periods[1], bursts[1], at) t;
    return;
  end if;
  for number in 1 .. array_length(strange_keys, 1) loop
    select t.retry_after into retry_after from take_limit(strange_keys[number], periods[number], bursts[number], at) t;
    exit when retry_after > 0;
  end loop;
end $$;

-- The guess was right: it is given back, and its places are known.
create function right_guess(keys bytea[], periods interval[], places bytea[], at timestamptz) returns void
  language plpgsql as $$
begin
  for number in 1 .. array_length(keys, 1) loop
    update rate_limits set tat = tat - periods[number] where key = keys[number];
  end loop;
  insert into sign_in_places as p (key, seen_at) select distinct key, at from unnest(places) key order by key
    on conflict (key) do update set seen_at = excluded.seen_at where p.seen_at < excluded.seen_at - interval '1 day';
end $$;
