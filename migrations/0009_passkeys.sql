-- Passkeys: public keys of devices and password managers that sign a person in without a password.

create table passkeys (
  institute_id uuid not null,
  id uuid not null,
  user_id uuid not null,
  credential_id bytea not null,
  public_key bytea not null,
  sign_count bigint not null, -- of the last use; 0 for ever where the key is synced between devices
  backed_up boolean not null,
  label text not null check (length(label) between 1 and 60),
  created_at timestamptz not null,
  used_at timestamptz,
  revoked_at timestamptz,
  primary key (institute_id, id),
  foreign key (institute_id, user_id) references users (institute_id, id)
);
create unique index passkeys_credential on passkeys (institute_id, credential_id);
create index passkeys_user on passkeys (institute_id, user_id) where revoked_at is null;
select open_to_app('passkeys', 'select, insert, update');
