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
  ends_on date not null check (ends_on >= starts_on and ends_on <= starts_on + 120),
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
