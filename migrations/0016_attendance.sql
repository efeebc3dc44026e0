-- Attendance: the mark of each student in each class, and what it comes to.

-- What an institute decided otherwise than usual; without a row the defaults hold.
create table attendance_settings (
  institute_id uuid not null primary key references institutes (id),
  minimum_percent smallint not null default 75 check (minimum_percent between 1 and 100),
  undo_minutes smallint not null default 10 check (undo_minutes between 0 and 240),
  late_counts boolean not null default true,
  updated_at timestamptz not null
);
select open_to_app('attendance_settings', 'select, insert, update');

-- A student in a class. `taken_at` is when somebody saw it, which may be long before it arrived here: of two marks the
-- one taken later holds. `told_…`: parents were told so, or will be when the time to undo is over.
create table attendance_marks (
  institute_id uuid not null,
  class_id uuid not null,
  student_id uuid not null,
  id uuid not null,
  status text not null check (status in ('present', 'absent', 'late', 'excused')),
  note text not null default '' check (length(note) <= 200),
  taken_at timestamptz not null,
  marked_by uuid not null,
  marked_at timestamptz not null,
  told_absent boolean not null default false,
  told_late boolean not null default false,
  primary key (institute_id, student_id, class_id),
  foreign key (institute_id, class_id) references classes (institute_id, id),
  foreign key (institute_id, student_id) references students (institute_id, user_id),
  foreign key (institute_id, marked_by) references users (institute_id, id)
);
create index attendance_marks_class on attendance_marks (institute_id, class_id) include (student_id, status);
select open_to_app('attendance_marks', 'select, insert, update');

-- What phones sent, by the id that they gave it: a call (without a student) or one mark. Good for ever.
create table attendance_sent (
  institute_id uuid not null,
  id uuid not null,
  class_id uuid not null,
  student_id uuid,
  digest bytea not null,
  sent_at timestamptz not null,
  primary key (institute_id, id),
  foreign key (institute_id, class_id) references classes (institute_id, id)
);
select open_to_app('attendance_sent', 'select, insert');

-- Every class of these students that was held on a day on which they were in its batch, with the mark if there is one.
-- `attended` is null where the class does not count: not marked, or excused. Who may see it the caller decides.
create function attendance_of(students uuid[], at timestamptz)
  returns table (
    student_id uuid, class_id uuid, batch_id uuid, subject_id uuid, teacher_id uuid, starts_at timestamptz,
    ends_at timestamptz, day date, topic text, status text, note text, marked_at timestamptz, attended boolean)
  language sql stable
begin atomic
  select e.student_id, c.id, c.batch_id, c.subject_id, c.teacher_id, c.starts_at, c.ends_at,
    (c.starts_at at time zone i.zone)::date, c.topic, m.status, m.note, m.marked_at,
    case m.status when 'present' then true when 'absent' then false when 'late' then coalesce(s.late_counts, true) end
  from institutes i
  left join attendance_settings s on s.institute_id = i.id
  join enrolments e on e.institute_id = i.id and e.student_id = any (students)
  join classes c on c.institute_id = i.id and c.batch_id = e.batch_id and c.cancelled_at is null
    and (c.started_at is not null or c.starts_at <= at)
    and c.starts_at >= e.starts_on::timestamp at time zone i.zone
    and c.starts_at < coalesce(e.ends_on::timestamp at time zone i.zone, 'infinity')
  left join attendance_marks m on m.institute_id = i.id and m.student_id = e.student_id and m.class_id = c.id
  where i.id = tenant();
end;

-- What a student's attendance comes to: classes attended of those that count, the share in per cent (null when none
-- counts yet), how many held classes nobody has marked, and the number that can still be missed (or, where the share is
-- below the institute's minimum, that must be attended; null when no number would do).
create function attendance_share(
  attended bigint, counted bigint, minimum integer, out percent numeric, out can_miss integer, out must_attend integer
)
  language sql immutable parallel safe
  return row(
    round(100.0 * attended / nullif(counted, 0), 1),
    greatest(attended * 100 / minimum - counted, 0)::integer,
    case
      when 100 * attended >= minimum * counted then 0
      when minimum < 100 then ceil((minimum * counted - 100 * attended)::numeric / (100 - minimum))::integer
    end);

create function attendance_shares(students uuid[], at timestamptz)
  returns table (
    student_id uuid, attended bigint, counted bigint, unmarked bigint, percent numeric, can_miss integer,
    must_attend integer)
  language sql stable
begin atomic
  select t.student_id, t.attended, t.counted, t.unmarked, s.percent, s.can_miss, s.must_attend
  from (
    select a.student_id, count(*) filter (where a.attended) as attended, count(a.attended) as counted,
      count(*) filter (where a.status is null) as unmarked
    from attendance_of(students, at) a group by a.student_id) t
  cross join lateral attendance_share(t.attended, t.counted, coalesce((
    select x.minimum_percent from attendance_settings x where x.institute_id = tenant()), 75)) s;
end;
