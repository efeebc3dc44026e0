-- Pictures of people, their preferences, and the second factor of staff.

alter table users
  add column avatar text check (avatar ~ '^[0-9a-f]{32}$'),
  add column digest text not null default 'none' check (digest in ('none', 'daily', 'weekly')),
  add column quiet_from time,
  add column quiet_to time check ((quiet_from is null) = (quiet_to is null) and quiet_from <> quiet_to),
  add column second_factor boolean not null default false;

-- Whether somebody signed in from a device before, however that sign-in ended.
-- squawk-ignore require-concurrent-index-creation
create index sessions_of_user on sessions (institute_id, user_id);

-- The secret is sealed; `last_step` is the last time step whose code was used, so that no code works twice.
create table second_factors (
  institute_id uuid not null,
  user_id uuid not null,
  secret bytea not null,
  last_step bigint not null,
  created_at timestamptz not null,
  primary key (institute_id, user_id),
  foreign key (institute_id, user_id) references users (institute_id, id)
);
select open_to_app('second_factors', 'select, insert, update, delete');

create table recovery_codes (
  institute_id uuid not null,
  user_id uuid not null,
  hash bytea not null,
  used_at timestamptz,
  primary key (institute_id, user_id, hash),
  foreign key (institute_id, user_id) references second_factors (institute_id, user_id) on delete cascade
);
select open_to_app('recovery_codes', 'select, insert, update, delete');
