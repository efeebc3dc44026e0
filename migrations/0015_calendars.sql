-- Personal calendar addresses. The secret is derived from the row's id; one person has one, a new one ends the old.

create table calendar_feeds (
  institute_id uuid not null,
  id uuid not null,
  user_id uuid not null,
  token_hash bytea not null,
  created_at timestamptz not null,
  primary key (institute_id, id),
  foreign key (institute_id, user_id) references users (institute_id, id)
);
create unique index calendar_feeds_user on calendar_feeds (institute_id, user_id);
create unique index calendar_feeds_token on calendar_feeds (institute_id, token_hash);
select open_to_app('calendar_feeds', 'select, insert, delete');
