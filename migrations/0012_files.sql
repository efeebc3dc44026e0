-- Files: what people uploaded, what each hangs on, who may see it, and uploads that are still under way.
-- The bytes lie in the store under `files/{id}`; a row is written last, so a file that has one is whole.

create table files (
  institute_id uuid not null,
  id uuid not null,
  uploader_id uuid not null,
  purpose text not null check (purpose in (
    'assignment', 'submission', 'message', 'voice', 'doubt', 'note', 'announcement', 'document', 'receipt')),
  name text not null check (length(name) between 1 and 120),
  content_type text not null,
  size bigint not null check (size > 0),
  sha256 bytea not null check (length(sha256) = 32),
  created_at timestamptz not null,
  primary key (institute_id, id),
  foreign key (institute_id, uploader_id) references users (institute_id, id)
);
create index files_uploader on files (institute_id, uploader_id, id);
create index files_age on files (institute_id, created_at);
select open_to_app('files', 'select, insert, delete');

-- One row for each thing that a file hangs on and each audience of it; the feature that owns the thing writes it.
-- `hook` is the kind of thing. 'nobody' stands for no audience but the uploader and, as always, the admins.
create table file_grants (
  institute_id uuid not null,
  file_id uuid not null,
  hook text not null check (hook ~ '^[a-z_]{1,40}$'),
  hook_id uuid not null,
  audience text not null check (audience in ('person', 'batch', 'batch_teachers', 'everyone', 'nobody')),
  audience_id uuid not null, -- the institute's own id where the audience needs none
  created_at timestamptz not null,
  primary key (institute_id, file_id, hook, hook_id, audience, audience_id),
  foreign key (institute_id, file_id) references files (institute_id, id)
);
create index file_grants_hook on file_grants (institute_id, hook, hook_id, file_id);
select open_to_app('file_grants', 'select, insert, delete');

-- Bytes that a person has uploaded, and (owner_id = institute_id) all of the institute. Kept by the trigger below, so
-- that a quota costs one row and two uploads at once cannot both take the last room.
create table file_usage (
  institute_id uuid not null references institutes (id),
  owner_id uuid not null,
  bytes bigint not null check (bytes >= 0),
  primary key (institute_id, owner_id)
);
select open_to_app('file_usage', 'select, insert, update');

create function count_file_bytes() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into file_usage as u (institute_id, owner_id, bytes)
      select new.institute_id, owner, new.size
      from unnest(array[new.institute_id, new.uploader_id]) with ordinality as owners (owner, place) order by place
      on conflict (institute_id, owner_id) do update set bytes = u.bytes + excluded.bytes;
  else
    update file_usage set bytes = bytes - old.size
      where institute_id = old.institute_id and owner_id = old.institute_id;
    update file_usage set bytes = bytes - old.size
      where institute_id = old.institute_id and owner_id = old.uploader_id;
  end if;
  return null;
end $$;
create trigger count_file_bytes after insert or delete on files for each row execute function count_file_bytes();

-- Uploads in pieces (tus). The pieces lie in the store under `uploads/{id}/{offset}`; `received` counts the bytes of the
-- pieces that are there. The last piece is counted together with the row of the file that they became.
create table uploads (
  institute_id uuid not null,
  id uuid not null,
  uploader_id uuid not null,
  purpose text not null,
  name text not null check (length(name) between 1 and 120),
  declared_type text not null default '',
  size bigint not null check (size > 0),
  received bigint not null default 0 check (received between 0 and size),
  pieces bigint[] not null default '{}', -- where each begins
  file_id uuid, -- set when it is done
  created_at timestamptz not null,
  expires_at timestamptz not null,
  primary key (institute_id, id),
  foreign key (institute_id, uploader_id) references users (institute_id, id)
);
create index uploads_open on uploads (institute_id, uploader_id) where file_id is null;
create index uploads_age on uploads (institute_id, expires_at);
select open_to_app('uploads', 'select, insert, update, delete');

-- Signs addresses of files: 32 bytes for the inner and 32 for the outer hash.
create table file_keys (
  institute_id uuid not null primary key references institutes (id),
  key bytea not null check (length(key) = 64)
);
select open_to_app('file_keys', 'select');
create function new_file_key() returns bytea
  language sql volatile
  return uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
    || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());
create function give_file_key() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  insert into file_keys (institute_id, key) values (new.id, new_file_key());
  return null;
end $$;
create trigger give_file_key after insert on institutes for each row execute function give_file_key();
insert into file_keys (institute_id, key) select id, new_file_key() from institutes;

-- The address under which a file can be fetched without a sign-in, for one to two hours: the token holds the institute,
-- the file, when it ends (seconds since 1970) and a signature. It changes once an hour, so that ETags of answers hold.
create function file_url(institute uuid, file uuid, at timestamptz) returns text
  language sql stable
begin atomic
  select '/v1/files/signed/' || translate(encode(
      said || substring(sha256(substring(k.key from 33) || sha256(substring(k.key from 1 for 32) || said)) for 24),
      'base64'), E'+/\n', '-_')
  from file_keys k
  cross join (select uuid_send(institute) || uuid_send(file)
    || int4send((floor(extract(epoch from at) / 3600) * 3600 + 7200)::integer) as said) signed
  where k.institute_id = institute;
end;

-- A file as the API shows it.
create function file_json(f files, at timestamptz) returns jsonb
  language sql stable
  return jsonb_build_object('id', f.id, 'name', f.name, 'contentType', f.content_type, 'size', f.size,
    'url', file_url(f.institute_id, f.id, at), 'purpose', f.purpose);

-- The files that hang on a thing, in the order in which they were uploaded. Whoever sees the thing sees them, so this
-- asks nobody who they are: a caller shows it only to those who may see the thing.
create function files_on(institute uuid, kind text, thing uuid, at timestamptz default now()) returns jsonb
  language sql stable
begin atomic
  select coalesce(jsonb_agg(file_json(f, at) order by f.id), '[]')
  from files f
  where f.institute_id = institute and f.id in (
    select g.file_id from file_grants g where g.institute_id = institute and g.hook = kind and g.hook_id = thing);
end;

-- Whether somebody may see a file: who uploaded it, those whom a grant names, the parents of all of these, and admins -
-- but what hangs on messages alone, or was uploaded for one, is between the people of the conversation.
create function may_see_file(viewer uuid, viewer_is_admin boolean, file uuid, today date) returns boolean
  language sql stable
begin atomic
  with self as (
    select viewer as id
    union all
    select l.student_id from parent_links l where l.institute_id = tenant() and l.parent_id = viewer
  ), granted as (
    select g.hook, g.audience, g.audience_id from file_grants g where g.institute_id = tenant() and g.file_id = file
  )
  select exists (
      select from files f join self s on s.id = f.uploader_id where f.institute_id = tenant() and f.id = file)
    or exists (select from granted g where g.audience = 'everyone' or viewer_is_admin and g.hook <> 'message')
    or viewer_is_admin and not exists (select from granted) and exists (
      select from files f
      where f.institute_id = tenant() and f.id = file and f.purpose not in ('message', 'voice'))
    or exists (select from granted g join self s on g.audience = 'person' and g.audience_id = s.id)
    or exists (
      select from granted g
      join enrolments e on e.institute_id = tenant() and e.batch_id = g.audience_id
      join self s on s.id = e.student_id
      where g.audience = 'batch' and e.starts_on <= today and (e.ends_on is null or e.ends_on > today))
    or exists (
      select from granted g
      join batch_subjects b on b.institute_id = tenant() and b.batch_id = g.audience_id and b.teacher_id = viewer
      where g.audience in ('batch', 'batch_teachers'));
end;

revoke all on function give_file_key(), new_file_key() from public;
