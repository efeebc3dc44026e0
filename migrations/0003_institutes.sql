-- Institutes (tenants) and the subjects they teach.

create table institutes (
  id uuid primary key,
  institute_id uuid not null generated always as (id) stored,
  code text not null unique check (code ~ '^[a-z0-9][a-z0-9-]{1,39}$'),
  name text not null check (length(name) between 1 and 120),
  zone text not null default 'Asia/Kolkata',
  currency text not null default 'INR' check (currency = 'INR'),
  language text not null default 'en' check (language in ('en', 'hi')),
  phone text,
  email text,
  address text not null default '' check (length(address) <= 400),
  gstin text check (gstin ~ '^[0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][1-9A-Z]Z[0-9A-Z]$'),
  demo boolean not null default false,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
select open_to_app('institutes', 'select, update');

create table subjects (
  institute_id uuid not null references institutes (id),
  id uuid not null,
  name text not null check (length(name) between 1 and 80),
  code text not null check (length(code) between 1 and 12),
  archived_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (institute_id, id)
);
create unique index subjects_code on subjects (institute_id, lower(code)) where archived_at is null;
create unique index subjects_name on subjects (institute_id, lower(name)) where archived_at is null;
select open_to_app('subjects', 'select, insert, update');
