-- The only look-ups that cross institutes. They run as the owner, return ids (and a hash), and nothing else:
-- a person by e-mail or phone, an institute by its code, and the list of institutes for periodic jobs.

create function find_sign_ins(sign_in_email text, sign_in_phone text)
  returns table (institute_id uuid, user_id uuid, password_hash text)
  language sql stable security definer set search_path = public, pg_temp as $$
    select u.institute_id, u.id, u.password_hash
    from users u
    where (u.email = sign_in_email or u.phone = sign_in_phone) and u.status <> 'disabled'
    order by u.created_at, u.id
    limit 8
  $$;

create function find_institute(institute_code text) returns uuid
  language sql stable security definer set search_path = public, pg_temp as $$
    select id from institutes where code = institute_code
  $$;

create function every_institute() returns setof uuid
  language sql stable security definer set search_path = public, pg_temp as $$
    select id from institutes order by id
  $$;

-- Sign-ins that changed lately, for a process that starts or has lost its notices for a while.
create function sessions_changed_since(since timestamptz)
  returns table (session_id uuid, changed_at timestamptz, ended boolean)
  language sql stable security definer set search_path = public, pg_temp as $$
    select s.id, s.changed_at, s.revoked_at is not null from sessions s where s.changed_at >= since
  $$;

-- Housekeeping over all institutes; answers how many rows went.
create function sweep(at timestamptz) returns bigint
  language sql security definer set search_path = public, pg_temp as $$
    with keys as (delete from idempotency_keys where created_at < at - interval '24 hours' returning 1),
      tokens as (delete from refresh_tokens where expires_at < at - interval '1 day' returning 1),
      limits as (delete from rate_limits where tat < at - interval '1 hour' returning 1)
    select (select count(*) from keys) + (select count(*) from tokens) + (select count(*) from limits)
  $$;

do $$
declare
  signature text;
begin
  foreach signature in array array['find_sign_ins(text, text)', 'find_institute(text)', 'every_institute()',
    'sessions_changed_since(timestamptz)', 'sweep(timestamptz)'] loop
    execute format('revoke all on function %s from public', signature);
    execute format('grant execute on function %s to %I', signature, current_setting('kaksha.app_role'));
  end loop;
end $$;
