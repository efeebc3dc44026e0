-- Students, teachers and who is whose parent. The person is the user; these rows hold what the role adds.

create table students (
  institute_id uuid not null,
  user_id uuid not null,
  roll_no text not null check (length(roll_no) between 1 and 20),
  grade text not null check (length(grade) between 1 and 40),
  joined_on date not null,
  left_on date check (left_on >= joined_on),
  primary key (institute_id, user_id),
  foreign key (institute_id, user_id) references users (institute_id, id)
);
-- By pattern, so that the beginning of a roll number finds it in any collation.
create unique index students_roll_no on students (institute_id, lower(roll_no) text_pattern_ops);
select open_to_app('students', 'select, insert, update');

create table teachers (
  institute_id uuid not null,
  user_id uuid not null,
  title text not null default '' check (length(title) <= 80),
  joined_on date not null,
  left_on date check (left_on >= joined_on),
  primary key (institute_id, user_id),
  foreign key (institute_id, user_id) references users (institute_id, id)
);
select open_to_app('teachers', 'select, insert, update');

create table parent_links (
  institute_id uuid not null,
  parent_id uuid not null,
  student_id uuid not null,
  relation text not null check (relation in ('mother', 'father', 'guardian')),
  created_at timestamptz not null,
  primary key (institute_id, parent_id, student_id),
  foreign key (institute_id, parent_id) references users (institute_id, id),
  foreign key (institute_id, student_id) references students (institute_id, user_id),
  check (parent_id <> student_id)
);
create index parent_links_student on parent_links (institute_id, student_id);
select open_to_app('parent_links', 'select, insert, delete');

-- Finding people. Row-level security keeps `ilike` off indexes, so the search runs as the owner of the tables, filters by
-- the tenant itself and returns ids only; whoever asks joins them to what they may see. Its indexes stand with users.
--
-- People of this institute in whose name each of the words begins a word, in any order; whose e-mail or roll number
-- begins with the text; or, from three figures on, whose phone number ends with it.
create function search_people(said text) returns setof uuid
  language plpgsql stable rows 20 security definer set search_path = public, pg_temp as $$
declare
  mine constant uuid := tenant();
  beginning constant text := lower(btrim(said));
  past constant text := chr(1114111); -- no text that begins with `beginning` lies after `beginning || past`
  figures constant text := case when said ~ '^[0-9 +()-]+$' then ltrim(regexp_replace(said, '[^0-9]', '', 'g'), '0') end;
  words text[];
begin
  select array_agg('% ' || regexp_replace(word, '([\\%_])', '\\\1', 'g') || '%' order by length(word) desc) into words
  from regexp_split_to_table(btrim(said), '\s+') word where word <> '';
  if mine is null or words is null then
    return;
  end if;
  return query
    -- The longest word finds, the others only remain to be compared.
    select u.id from users u
    where u.institute_id = mine and (' ' || u.name) ilike words[1] and (' ' || u.name) ilike all (words)
    union
    select u.id from users u
    where u.institute_id = mine and u.email is not null and u.email ~>=~ beginning and u.email ~<~ (beginning || past)
    union
    select s.user_id from students s
    where s.institute_id = mine and lower(s.roll_no) ~>=~ beginning and lower(s.roll_no) ~<~ (beginning || past)
    union
    select u.id from users u
    where length(figures) >= 3 and u.institute_id = mine and u.phone is not null
      and reverse(u.phone) ~>=~ reverse(figures) and reverse(u.phone) ~<~ (reverse(figures) || past);
end $$;
do $$ begin
  revoke all on function search_people(text) from public;
  execute format('grant execute on function search_people(text) to %I', current_setting('kaksha.app_role'));
end $$;
