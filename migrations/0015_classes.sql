-- Rooms, the weekly timetable, holidays, and the classes that come of them.

create table rooms (
  institute_id uuid not null references institutes (id),
  id uuid not null,
  name text not null check (length(name) between 1 and 60),
  capacity integer not null check (capacity between 1 and 1000),
  archived_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (institute_id, id)
);
create unique index rooms_name on rooms (institute_id, lower(name)) where archived_at is null;
select open_to_app('rooms', 'select, insert, update');

-- Days without classes, the last one itself included: of the whole institute, or of one batch.
create table holidays (
  institute_id uuid not null references institutes (id),
  id uuid not null,
  batch_id uuid,
  name text not null check (length(name) between 1 and 80),
  starts_on date not null,
  ends_on date not null check (ends_on >= starts_on and ends_on <= starts_on + 200),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (institute_id, id),
  foreign key (institute_id, batch_id) references batches (institute_id, id)
);
create index holidays_days on holidays (institute_id, ends_on, starts_on);
select open_to_app('holidays', 'select, insert, update, delete');

-- A class of each week: on a weekday (1 is Monday) at a time of the institute's clock, until midnight at the latest.
create table timetable_slots (
  institute_id uuid not null,
  id uuid not null,
  batch_id uuid not null,
  subject_id uuid not null,
  teacher_id uuid not null,
  room_id uuid,
  weekday smallint not null check (weekday between 1 and 7),
  starts time not null,
  minutes smallint not null check (minutes between 10 and 600),
  from_on date not null,
  -- The last day, itself included; the day before the first: none is left. Null: as long as the batch lasts.
  until_on date check (until_on >= from_on - 1),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (institute_id, id),
  foreign key (institute_id, batch_id) references batches (institute_id, id),
  foreign key (institute_id, subject_id) references subjects (institute_id, id),
  foreign key (institute_id, teacher_id) references teachers (institute_id, user_id),
  foreign key (institute_id, room_id) references rooms (institute_id, id),
  constraint timetable_slots_one_day check (extract(epoch from starts) / 60 + minutes <= 1440)
);
create index timetable_slots_batch on timetable_slots (institute_id, batch_id);
create index timetable_slots_teacher on timetable_slots (institute_id, teacher_id);
select open_to_app('timetable_slots', 'select, insert, update, delete');

-- A class. `slot_id` and `slot_on` say which slot and which day it stands for, also after it was moved: each is made
-- once. `planned_teacher_id` is whom somebody else stands in for. A cancelled class takes no time of anybody.
create table classes (
  institute_id uuid not null,
  id uuid not null,
  batch_id uuid not null,
  subject_id uuid not null,
  teacher_id uuid not null,
  planned_teacher_id uuid,
  room_id uuid,
  starts_at timestamptz not null,
  ends_at timestamptz not null check (ends_at > starts_at and ends_at <= starts_at + interval '12 hours'),
  topic text not null default '' check (length(topic) <= 120),
  meeting_url text check (meeting_url ~ '^https://' and length(meeting_url) <= 500),
  started_at timestamptz,
  ended_at timestamptz check (ended_at >= started_at),
  cancelled_at timestamptz,
  cancel_reason text check (length(cancel_reason) between 1 and 200),
  holiday_id uuid,
  slot_id uuid,
  slot_on date check ((slot_id is null) = (slot_on is null)),
  revision integer not null default 0,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (institute_id, id),
  foreign key (institute_id, batch_id) references batches (institute_id, id),
  foreign key (institute_id, subject_id) references subjects (institute_id, id),
  foreign key (institute_id, teacher_id) references teachers (institute_id, user_id),
  foreign key (institute_id, planned_teacher_id) references teachers (institute_id, user_id),
  foreign key (institute_id, room_id) references rooms (institute_id, id),
  foreign key (institute_id, holiday_id) references holidays (institute_id, id) on delete set null (holiday_id),
  foreign key (institute_id, slot_id) references timetable_slots (institute_id, id),
  constraint classes_reason check (cancel_reason is null or cancelled_at is not null),
  constraint classes_slot_once unique (institute_id, slot_id, slot_on),
  -- Half-open: one may begin when another ends. Deferrable, so that two can change places in one transaction.
  constraint classes_batch_once exclude using gist (
    institute_id with =, batch_id with =, tstzrange(starts_at, ends_at) with &&)
    where (cancelled_at is null) deferrable,
  constraint classes_teacher_once exclude using gist (
    institute_id with =, teacher_id with =, tstzrange(starts_at, ends_at) with &&)
    where (cancelled_at is null) deferrable,
  constraint classes_room_once exclude using gist (
    institute_id with =, room_id with =, tstzrange(starts_at, ends_at) with &&)
    where (cancelled_at is null) deferrable
);
create index classes_time on classes (institute_id, starts_at);
create index classes_batch on classes (institute_id, batch_id, starts_at);
create index classes_teacher on classes (institute_id, teacher_id, starts_at);
create index classes_planned on classes (institute_id, planned_teacher_id, starts_at) where planned_teacher_id is not null;
select open_to_app('classes', 'select, insert, update, delete');

-- What the room is still needed for: classes ahead, and slots that are not over.
create function classes_in(room uuid, at timestamptz) returns bigint
  language sql stable
begin atomic
  select (select count(*) from classes c
      where c.institute_id = tenant() and c.room_id = room and c.ends_at > at and c.cancelled_at is null)
    + (select count(*) from timetable_slots s join institutes i on i.id = s.institute_id
      join batches b on b.institute_id = s.institute_id and b.id = s.batch_id
      where s.institute_id = tenant() and s.room_id = room and b.archived_at is null
        and least(s.until_on, b.ends_on) >= (at at time zone i.zone)::date);
end;

-- What a class is at a moment. One that nobody ended reads as ended when its time is over.
create function class_status(
  at timestamptz, ends_at timestamptz, started_at timestamptz, ended_at timestamptz, cancelled_at timestamptz
) returns text
  language sql immutable parallel safe
  return case
    when cancelled_at is not null then 'cancelled'
    when ended_at is not null or at >= ends_at then 'ended'
    when started_at is not null then 'live'
    else 'scheduled'
  end;

-- A class as the API shows it. Whoever only attends gets the link when the door opens: `joins` before it begins, or
-- when it is live; staff see it always.
create function class_json(
  c classes, batch text, subject text, teacher text, planned text, room text, at timestamptz, joins interval,
  staff boolean
) returns json
  language sql stable
  return json_build_object(
    'id', c.id, 'batchId', c.batch_id, 'batchName', batch, 'subjectId', c.subject_id, 'subjectName', subject,
    'teacherId', c.teacher_id, 'teacherName', teacher, 'plannedTeacherName', planned,
    'roomId', c.room_id, 'roomName', room, 'topic', c.topic,
    'startsAt', iso(c.starts_at), 'endsAt', iso(c.ends_at),
    'status', class_status(at, c.ends_at, c.started_at, c.ended_at, c.cancelled_at),
    'startedAt', iso(c.started_at), 'endedAt', iso(c.ended_at), 'reason', c.cancel_reason,
    'joinFrom', iso(c.starts_at - joins),
    'meetingUrl', case
      when c.cancelled_at is null and (staff or at < c.ends_at and c.ended_at is null
        and (c.started_at is not null or at >= c.starts_at - joins)) then c.meeting_url end,
    'repeats', c.slot_id is not null);

-- The next three classes of a student, as the dashboards show them.
create function next_classes(student uuid, at timestamptz, joins interval) returns json
  language sql stable
begin atomic
  select coalesce(json_agg(class_json(c, b.name, j.name, t.name, p.name, r.name, at, joins, false)
    order by c.starts_at, c.id), '[]')
  from (
    select m.id
    from enrolments e
    join institutes i on i.id = e.institute_id
    join classes m on m.institute_id = e.institute_id and m.batch_id = e.batch_id
      and m.starts_at > at - interval '12 hours' and m.starts_at < at + interval '8 days' and m.ends_at > at
      and m.ended_at is null and m.cancelled_at is null
      and (m.starts_at at time zone i.zone)::date >= e.starts_on
      and (e.ends_on is null or (m.starts_at at time zone i.zone)::date < e.ends_on)
    where e.institute_id = tenant() and e.student_id = student
    order by m.starts_at, m.id limit 3
  ) n
  join classes c on c.institute_id = tenant() and c.id = n.id
  join batches b on b.institute_id = c.institute_id and b.id = c.batch_id
  join subjects j on j.institute_id = c.institute_id and j.id = c.subject_id
  join users t on t.institute_id = c.institute_id and t.id = c.teacher_id
  left join users p on p.institute_id = c.institute_id and p.id = c.planned_teacher_id
  left join rooms r on r.institute_id = c.institute_id and r.id = c.room_id;
end;

-- The classes that a teacher gives on a day, as the dashboards show them.
create function given_on(teacher uuid, day date, at timestamptz, joins interval) returns json
  language sql stable
begin atomic
  select coalesce(json_agg(class_json(c, b.name, j.name, t.name, p.name, r.name, at, joins, true)
    order by c.starts_at, c.id), '[]')
  from institutes i
  join classes c on c.institute_id = i.id and c.teacher_id = teacher
    and c.starts_at >= day::timestamp at time zone i.zone and c.starts_at < (day + 1)::timestamp at time zone i.zone
  join batches b on b.institute_id = c.institute_id and b.id = c.batch_id
  join subjects j on j.institute_id = c.institute_id and j.id = c.subject_id
  join users t on t.institute_id = c.institute_id and t.id = c.teacher_id
  left join users p on p.institute_id = c.institute_id and p.id = c.planned_teacher_id
  left join rooms r on r.institute_id = c.institute_id and r.id = c.room_id
  where i.institute_id = tenant();
end;

-- How many classes an institute has on a day.
create function classes_on(day date, at timestamptz) returns json
  language sql stable
begin atomic
  select json_build_object(
    'total', count(*) filter (where c.cancelled_at is null), 'cancelled', count(c.cancelled_at),
    'live', count(*) filter (
      where class_status(at, c.ends_at, c.started_at, c.ended_at, c.cancelled_at) = 'live'))
  from institutes i
  join classes c on c.institute_id = i.id
    and c.starts_at >= day::timestamp at time zone i.zone and c.starts_at < (day + 1)::timestamp at time zone i.zone
  where i.institute_id = tenant();
end;
