-- Links that prove an e-mail address or let somebody set a new password: kept as hashes, good once.

create table one_time_tokens (
  institute_id uuid not null,
  id uuid not null,
  user_id uuid not null,
  purpose text not null check (purpose in ('verify_email', 'reset_password')),
  sent_to text not null,
  hash bytea not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  primary key (institute_id, id),
  foreign key (institute_id, user_id) references users (institute_id, id)
);
create unique index one_time_tokens_hash on one_time_tokens (institute_id, hash);
create index one_time_tokens_user on one_time_tokens (institute_id, user_id, purpose) where used_at is null;
create index one_time_tokens_age on one_time_tokens (expires_at);
select open_to_app('one_time_tokens', 'select, insert, update, delete');
