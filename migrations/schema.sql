-- The result of all migrations, for reading: made by `python -m tests.contracts.update`.

CREATE SCHEMA jobs;

CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA public;

COMMENT ON EXTENSION btree_gist IS 'support for indexing common datatypes in GiST';

CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;

COMMENT ON EXTENSION pg_trgm IS 'text similarity measurement and index searching based on trigrams';

CREATE EXTENSION IF NOT EXISTS unaccent WITH SCHEMA public;

COMMENT ON EXTENSION unaccent IS 'text search dictionary that removes accents';

CREATE TYPE jobs.pgqueuer_status AS ENUM (
    'queued',
    'picked',
    'successful',
    'exception',
    'canceled',
    'deleted',
    'failed'
);

CREATE FUNCTION jobs.fn_pgqueuer_changed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    to_emit BOOLEAN := false;  -- Flag to decide whether to emit a notification
BEGIN
    -- Check operation type and set the emit flag accordingly
    IF TG_OP = 'UPDATE' AND OLD IS DISTINCT FROM NEW THEN
        to_emit := true;
    ELSIF TG_OP = 'DELETE' THEN
        to_emit := true;
    ELSIF TG_OP = 'INSERT' THEN
        to_emit := true;
    ELSIF TG_OP = 'TRUNCATE' THEN
        to_emit := true;
    END IF;

    -- Perform notification if the emit flag is set
    IF to_emit THEN
        PERFORM pg_notify(
            'ch_pgqueuer',
            json_build_object(
                'channel', 'ch_pgqueuer',
                'operation', lower(TG_OP),
                'sent_at', NOW(),
                'table', TG_TABLE_NAME,
                'type', 'table_changed_event'
            )::text
        );
    END IF;

    -- Return appropriate value based on the operation
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        RETURN NEW;
    ELSIF TG_OP = 'DELETE' THEN
        RETURN OLD;
    ELSE
        RETURN NULL; -- For TRUNCATE and other non-row-specific contexts
    END IF;

END;
$$;

CREATE FUNCTION public.tenant() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (NULLIF(current_setting('app.institute_id'::text, true), ''::text))::uuid;

CREATE TABLE public.attendance_marks (
    institute_id uuid NOT NULL,
    class_id uuid NOT NULL,
    student_id uuid NOT NULL,
    id uuid NOT NULL,
    status text NOT NULL,
    note text DEFAULT ''::text NOT NULL,
    taken_at timestamp with time zone NOT NULL,
    marked_by uuid NOT NULL,
    marked_at timestamp with time zone NOT NULL,
    told_absent boolean DEFAULT false NOT NULL,
    told_late boolean DEFAULT false NOT NULL,
    CONSTRAINT attendance_marks_note_check CHECK ((length(note) <= 200)),
    CONSTRAINT attendance_marks_status_check CHECK ((status = ANY (ARRAY['present'::text, 'absent'::text, 'late'::text, 'excused'::text])))
);

CREATE TABLE public.attendance_settings (
    institute_id uuid NOT NULL,
    minimum_percent smallint DEFAULT 75 NOT NULL,
    undo_minutes smallint DEFAULT 10 NOT NULL,
    late_counts boolean DEFAULT true NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT attendance_settings_minimum_percent_check CHECK (((minimum_percent >= 1) AND (minimum_percent <= 100))),
    CONSTRAINT attendance_settings_undo_minutes_check CHECK (((undo_minutes >= 0) AND (undo_minutes <= 240)))
);

CREATE TABLE public.classes (
    institute_id uuid NOT NULL,
    id uuid NOT NULL,
    batch_id uuid NOT NULL,
    subject_id uuid NOT NULL,
    teacher_id uuid NOT NULL,
    planned_teacher_id uuid,
    room_id uuid,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    topic text DEFAULT ''::text NOT NULL,
    meeting_url text,
    started_at timestamp with time zone,
    ended_at timestamp with time zone,
    cancelled_at timestamp with time zone,
    cancel_reason text,
    holiday_id uuid,
    slot_id uuid,
    slot_on date,
    revision integer DEFAULT 0 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT classes_cancel_reason_check CHECK (((length(cancel_reason) >= 1) AND (length(cancel_reason) <= 200))),
    CONSTRAINT classes_check CHECK (((ends_at > starts_at) AND (ends_at <= (starts_at + '12:00:00'::interval)))),
    CONSTRAINT classes_check1 CHECK ((ended_at >= started_at)),
    CONSTRAINT classes_check2 CHECK (((slot_id IS NULL) = (slot_on IS NULL))),
    CONSTRAINT classes_meeting_url_check CHECK (((meeting_url ~ '^https://'::text) AND (length(meeting_url) <= 500))),
    CONSTRAINT classes_reason CHECK (((cancel_reason IS NULL) OR (cancelled_at IS NOT NULL))),
    CONSTRAINT classes_topic_check CHECK ((length(topic) <= 120))
);

CREATE TABLE public.enrolments (
    institute_id uuid NOT NULL,
    id uuid NOT NULL,
    batch_id uuid NOT NULL,
    student_id uuid NOT NULL,
    starts_on date NOT NULL,
    ends_on date,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT enrolments_check CHECK ((ends_on >= starts_on))
);

CREATE TABLE public.institutes (
    id uuid NOT NULL,
    institute_id uuid GENERATED ALWAYS AS (id) STORED NOT NULL,
    code text NOT NULL,
    name text NOT NULL,
    zone text DEFAULT 'Asia/Kolkata'::text NOT NULL,
    currency text DEFAULT 'INR'::text NOT NULL,
    language text DEFAULT 'en'::text NOT NULL,
    phone text,
    email text,
    address text DEFAULT ''::text NOT NULL,
    gstin text,
    demo boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT institutes_address_check CHECK ((length(address) <= 400)),
    CONSTRAINT institutes_code_check CHECK ((code ~ '^[a-z0-9][a-z0-9-]{1,39}$'::text)),
    CONSTRAINT institutes_currency_check CHECK ((currency = 'INR'::text)),
    CONSTRAINT institutes_gstin_check CHECK ((gstin ~ '^[0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][1-9A-Z]Z[0-9A-Z]$'::text)),
    CONSTRAINT institutes_language_check CHECK ((language = ANY (ARRAY['en'::text, 'hi'::text]))),
    CONSTRAINT institutes_name_check CHECK (((length(name) >= 1) AND (length(name) <= 120)))
);

CREATE FUNCTION public.attendance_of(students uuid[], at timestamp with time zone) RETURNS TABLE(student_id uuid, class_id uuid, batch_id uuid, subject_id uuid, teacher_id uuid, starts_at timestamp with time zone, ends_at timestamp with time zone, day date, topic text, status text, note text, marked_at timestamp with time zone, attended boolean)
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT e.student_id,
     c.id,
     c.batch_id,
     c.subject_id,
     c.teacher_id,
     c.starts_at,
     c.ends_at,
     ((c.starts_at AT TIME ZONE i.zone))::date AS timezone,
     c.topic,
     m.status,
     m.note,
     m.marked_at,
         CASE m.status
             WHEN 'present'::text THEN true
             WHEN 'absent'::text THEN false
             WHEN 'late'::text THEN COALESCE(s.late_counts, true)
             ELSE NULL::boolean
         END AS "case"
    FROM ((((public.institutes i
      LEFT JOIN public.attendance_settings s ON ((s.institute_id = i.id)))
      JOIN public.enrolments e ON (((e.institute_id = i.id) AND (e.student_id = ANY (attendance_of.students)))))
      JOIN public.classes c ON (((c.institute_id = i.id) AND (c.batch_id = e.batch_id) AND (c.cancelled_at IS NULL) AND ((c.started_at IS NOT NULL) OR (c.starts_at <= attendance_of.at)) AND (c.starts_at >= ((e.starts_on)::timestamp without time zone AT TIME ZONE i.zone)) AND (c.starts_at < COALESCE(((e.ends_on)::timestamp without time zone AT TIME ZONE i.zone), 'infinity'::timestamp with time zone)))))
      LEFT JOIN public.attendance_marks m ON (((m.institute_id = i.id) AND (m.student_id = e.student_id) AND (m.class_id = c.id))))
   WHERE (i.id = public.tenant());
END;

CREATE FUNCTION public.attendance_share(attended bigint, counted bigint, minimum integer, OUT percent numeric, OUT can_miss integer, OUT must_attend integer) RETURNS record
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ROW(round(((100.0 * (attended)::numeric) / (NULLIF(counted, 0))::numeric), 1), (GREATEST((((attended * 100) / minimum) - counted), (0)::bigint))::integer, CASE WHEN ((100 * attended) >= (minimum * counted)) THEN 0 WHEN (minimum < 100) THEN (ceil(((((minimum * counted) - (100 * attended)))::numeric / ((100 - minimum))::numeric)))::integer ELSE NULL::integer END);

CREATE FUNCTION public.attendance_shares(students uuid[], at timestamp with time zone) RETURNS TABLE(student_id uuid, attended bigint, counted bigint, unmarked bigint, percent numeric, can_miss integer, must_attend integer)
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT t.student_id,
     t.attended,
     t.counted,
     t.unmarked,
     s.percent,
     s.can_miss,
     s.must_attend
    FROM (( SELECT a.student_id,
             count(*) FILTER (WHERE a.attended) AS attended,
             count(a.attended) AS counted,
             count(*) FILTER (WHERE (a.status IS NULL)) AS unmarked
            FROM public.attendance_of(attendance_shares.students, attendance_shares.at) a(student_id, class_id, batch_id, subject_id, teacher_id, starts_at, ends_at, day, topic, status, note, marked_at, attended)
           GROUP BY a.student_id) t
      CROSS JOIN LATERAL public.attendance_share(t.attended, t.counted, COALESCE((( SELECT x.minimum_percent
            FROM public.attendance_settings x
           WHERE (x.institute_id = public.tenant())))::integer, 75)) s(percent, can_miss, must_attend));
END;

CREATE TABLE public.batch_subjects (
    institute_id uuid NOT NULL,
    batch_id uuid NOT NULL,
    subject_id uuid NOT NULL,
    teacher_id uuid NOT NULL
);

CREATE TABLE public.parent_links (
    institute_id uuid NOT NULL,
    parent_id uuid NOT NULL,
    student_id uuid NOT NULL,
    relation text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT parent_links_check CHECK ((parent_id <> student_id)),
    CONSTRAINT parent_links_relation_check CHECK ((relation = ANY (ARRAY['mother'::text, 'father'::text, 'guardian'::text])))
);

CREATE FUNCTION public.batches_of(viewer uuid, today date) RETURNS SETOF uuid
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT b.batch_id
    FROM public.batch_subjects b
   WHERE ((b.institute_id = public.tenant()) AND (b.teacher_id = batches_of.viewer))
 UNION
  SELECT e.batch_id
    FROM public.enrolments e
   WHERE ((e.institute_id = public.tenant()) AND ((e.ends_on IS NULL) OR ((e.ends_on > batches_of.today) AND (e.ends_on > e.starts_on))) AND ((e.student_id = batches_of.viewer) OR (e.student_id IN ( SELECT l.student_id
            FROM public.parent_links l
           WHERE ((l.institute_id = public.tenant()) AND (l.parent_id = batches_of.viewer))))));
END;

CREATE TABLE public.batches (
    institute_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    code text NOT NULL,
    course text NOT NULL,
    medium text DEFAULT 'en'::text NOT NULL,
    capacity integer NOT NULL,
    starts_on date NOT NULL,
    ends_on date NOT NULL,
    archived_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT batches_capacity_check CHECK (((capacity >= 1) AND (capacity <= 1000))),
    CONSTRAINT batches_check CHECK ((ends_on > starts_on)),
    CONSTRAINT batches_code_check CHECK (((length(code) >= 1) AND (length(code) <= 20))),
    CONSTRAINT batches_course_check CHECK (((length(course) >= 1) AND (length(course) <= 80))),
    CONSTRAINT batches_medium_check CHECK ((medium = ANY (ARRAY['en'::text, 'hi'::text]))),
    CONSTRAINT batches_name_check CHECK (((length(name) >= 1) AND (length(name) <= 80)))
);

CREATE FUNCTION public.batches_teaching(subject uuid, today date) RETURNS SETOF text
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT b.name
    FROM (public.batches b
      JOIN public.batch_subjects s ON (((s.institute_id = b.institute_id) AND (s.batch_id = b.id))))
   WHERE ((b.institute_id = public.tenant()) AND (s.subject_id = batches_teaching.subject) AND (b.archived_at IS NULL) AND (b.ends_on >= batches_teaching.today))
   ORDER BY b.name;
END;

CREATE FUNCTION public.begin_guess(places bytea[], known_keys bytea[], strange_keys bytea[], periods interval[], bursts integer[], at timestamp with time zone, OUT known bigint, OUT retry_after double precision) RETURNS record
    LANGUAGE plpgsql
    AS $$
begin
  select min(p.number) into known from unnest(places) with ordinality p (key, number)
    join sign_in_places s on s.key = p.key;
  if known is not null then
    select t.retry_after into retry_after from take_limit(known_keys[known], periods[1], bursts[1], at) t;
    return;
  end if;
  for number in 1 .. array_length(strange_keys, 1) loop
    select t.retry_after into retry_after from take_limit(strange_keys[number], periods[number], bursts[number], at) t;
    exit when retry_after > 0;
  end loop;
end $$;

CREATE FUNCTION public.class_status(at timestamp with time zone, ends_at timestamp with time zone, started_at timestamp with time zone, ended_at timestamp with time zone, cancelled_at timestamp with time zone) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (cancelled_at IS NOT NULL) THEN 'cancelled'::text WHEN ((ended_at IS NOT NULL) OR (at >= ends_at)) THEN 'ended'::text WHEN (started_at IS NOT NULL) THEN 'live'::text ELSE 'scheduled'::text END;

CREATE FUNCTION public.iso(moment timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN to_char((moment AT TIME ZONE 'UTC'::text), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'::text);

CREATE FUNCTION public.class_json(c public.classes, batch text, subject text, teacher text, planned text, room text, at timestamp with time zone, joins interval, staff boolean) RETURNS json
    LANGUAGE sql STABLE
    RETURN json_build_object('id', (c).id, 'batchId', (c).batch_id, 'batchName', batch, 'subjectId', (c).subject_id, 'subjectName', subject, 'teacherId', (c).teacher_id, 'teacherName', teacher, 'plannedTeacherName', planned, 'roomId', (c).room_id, 'roomName', room, 'topic', (c).topic, 'startsAt', public.iso((c).starts_at), 'endsAt', public.iso((c).ends_at), 'status', public.class_status(at, (c).ends_at, (c).started_at, (c).ended_at, (c).cancelled_at), 'startedAt', public.iso((c).started_at), 'endedAt', public.iso((c).ended_at), 'reason', (c).cancel_reason, 'joinFrom', public.iso(((c).starts_at - joins)), 'meetingUrl', CASE WHEN (((c).cancelled_at IS NULL) AND (staff OR ((at < (c).ends_at) AND ((c).ended_at IS NULL) AND (((c).started_at IS NOT NULL) OR (at >= ((c).starts_at - joins)))))) THEN (c).meeting_url ELSE NULL::text END, 'repeats', ((c).slot_id IS NOT NULL));

CREATE TABLE public.timetable_slots (
    institute_id uuid NOT NULL,
    id uuid NOT NULL,
    batch_id uuid NOT NULL,
    subject_id uuid NOT NULL,
    teacher_id uuid NOT NULL,
    room_id uuid,
    weekday smallint NOT NULL,
    starts time without time zone NOT NULL,
    minutes smallint NOT NULL,
    from_on date NOT NULL,
    until_on date,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT timetable_slots_check CHECK ((until_on >= (from_on - 1))),
    CONSTRAINT timetable_slots_minutes_check CHECK (((minutes >= 10) AND (minutes <= 600))),
    CONSTRAINT timetable_slots_one_day CHECK ((((EXTRACT(epoch FROM starts) / (60)::numeric) + (minutes)::numeric) <= (1440)::numeric)),
    CONSTRAINT timetable_slots_weekday_check CHECK (((weekday >= 1) AND (weekday <= 7)))
);

CREATE FUNCTION public.classes_in(room uuid, at timestamp with time zone) RETURNS bigint
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT (( SELECT count(*) AS count
            FROM public.classes c
           WHERE ((c.institute_id = public.tenant()) AND (c.room_id = classes_in.room) AND (c.ends_at > classes_in.at) AND (c.cancelled_at IS NULL))) + ( SELECT count(*) AS count
            FROM ((public.timetable_slots s
              JOIN public.institutes i ON ((i.id = s.institute_id)))
              JOIN public.batches b ON (((b.institute_id = s.institute_id) AND (b.id = s.batch_id))))
           WHERE ((s.institute_id = public.tenant()) AND (s.room_id = classes_in.room) AND (b.archived_at IS NULL) AND (LEAST(s.until_on, b.ends_on) >= ((classes_in.at AT TIME ZONE i.zone))::date))));
END;

CREATE FUNCTION public.classes_on(day date, at timestamp with time zone) RETURNS json
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT json_build_object('total', count(*) FILTER (WHERE (c.cancelled_at IS NULL)), 'cancelled', count(c.cancelled_at), 'live', count(*) FILTER (WHERE (public.class_status(classes_on.at, c.ends_at, c.started_at, c.ended_at, c.cancelled_at) = 'live'::text))) AS json_build_object
    FROM (public.institutes i
      JOIN public.classes c ON (((c.institute_id = i.id) AND (c.starts_at >= ((classes_on.day)::timestamp without time zone AT TIME ZONE i.zone)) AND (c.starts_at < (((classes_on.day + 1))::timestamp without time zone AT TIME ZONE i.zone)))))
   WHERE (i.institute_id = public.tenant());
END;

CREATE FUNCTION public.count_file_bytes() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.drop_push_targets() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
  delete from push_targets where institute_id = new.institute_id and session_id = new.id;
  return null;
end $$;

CREATE FUNCTION public.every_institute() RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    select id from institutes order by id
  $$;

CREATE TABLE public.file_keys (
    institute_id uuid NOT NULL,
    key bytea NOT NULL,
    CONSTRAINT file_keys_key_check CHECK ((length(key) = 64))
);

CREATE FUNCTION public.file_url(institute uuid, file uuid, at timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT ('/v1/files/signed/'::text || translate(encode((signed.said || SUBSTRING(sha256((SUBSTRING(k.key FROM 33) || sha256((SUBSTRING(k.key FROM 1 FOR 32) || signed.said)))) FROM 1 FOR 24)), 'base64'::text), '+/
'::text, '-_'::text))
    FROM (public.file_keys k
      CROSS JOIN ( SELECT ((uuid_send(file_url.institute) || uuid_send(file_url.file)) || int4send((((floor((EXTRACT(epoch FROM file_url.at) / (3600)::numeric)) * (3600)::numeric) + (7200)::numeric))::integer)) AS said) signed)
   WHERE (k.institute_id = file_url.institute);
END;

CREATE TABLE public.files (
    institute_id uuid NOT NULL,
    id uuid NOT NULL,
    uploader_id uuid NOT NULL,
    purpose text NOT NULL,
    name text NOT NULL,
    content_type text NOT NULL,
    size bigint NOT NULL,
    sha256 bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT files_name_check CHECK (((length(name) >= 1) AND (length(name) <= 120))),
    CONSTRAINT files_purpose_check CHECK ((purpose = ANY (ARRAY['assignment'::text, 'submission'::text, 'message'::text, 'voice'::text, 'doubt'::text, 'note'::text, 'announcement'::text, 'document'::text, 'receipt'::text]))),
    CONSTRAINT files_sha256_check CHECK ((length(sha256) = 32)),
    CONSTRAINT files_size_check CHECK ((size > 0))
);

CREATE FUNCTION public.file_json(f public.files, at timestamp with time zone) RETURNS jsonb
    LANGUAGE sql STABLE
    RETURN jsonb_build_object('id', (f).id, 'name', (f).name, 'contentType', (f).content_type, 'size', (f).size, 'url', public.file_url((f).institute_id, (f).id, at), 'purpose', (f).purpose);

CREATE TABLE public.file_grants (
    institute_id uuid NOT NULL,
    file_id uuid NOT NULL,
    hook text NOT NULL,
    hook_id uuid NOT NULL,
    audience text NOT NULL,
    audience_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT file_grants_audience_check CHECK ((audience = ANY (ARRAY['person'::text, 'batch'::text, 'batch_teachers'::text, 'everyone'::text, 'nobody'::text]))),
    CONSTRAINT file_grants_hook_check CHECK ((hook ~ '^[a-z_]{1,40}$'::text))
);

CREATE FUNCTION public.files_on(institute uuid, kind text, thing uuid, at timestamp with time zone DEFAULT now()) RETURNS jsonb
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT COALESCE(jsonb_agg(public.file_json(f.*, files_on.at) ORDER BY f.id), '[]'::jsonb) AS "coalesce"
    FROM public.files f
   WHERE ((f.institute_id = files_on.institute) AND (f.id IN ( SELECT g.file_id
            FROM public.file_grants g
           WHERE ((g.institute_id = files_on.institute) AND (g.hook = files_on.kind) AND (g.hook_id = files_on.thing)))));
END;

CREATE FUNCTION public.find_institute(institute_code text) RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    select id from institutes where code = institute_code
  $$;

CREATE FUNCTION public.find_sign_ins(sign_in_email text, sign_in_phone text) RETURNS TABLE(institute_id uuid, user_id uuid, password_hash text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    select u.institute_id, u.id, u.password_hash
    from users u
    where (u.email = sign_in_email or u.phone = sign_in_phone) and u.status <> 'disabled'
    order by u.status = 'pending', u.created_at, u.id
    limit 8
  $$;

CREATE FUNCTION public.give_file_key() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
begin
  insert into file_keys (institute_id, key) values (new.id, new_file_key());
  return null;
end $$;

CREATE TABLE public.rooms (
    institute_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    capacity integer NOT NULL,
    archived_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT rooms_capacity_check CHECK (((capacity >= 1) AND (capacity <= 1000))),
    CONSTRAINT rooms_name_check CHECK (((length(name) >= 1) AND (length(name) <= 60)))
);

CREATE TABLE public.subjects (
    institute_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    code text NOT NULL,
    archived_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT subjects_code_check CHECK (((length(code) >= 1) AND (length(code) <= 12))),
    CONSTRAINT subjects_name_check CHECK (((length(name) >= 1) AND (length(name) <= 80)))
);

CREATE TABLE public.users (
    institute_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    email text,
    phone text,
    password_hash text,
    roles text[] NOT NULL,
    permissions text[] DEFAULT '{}'::text[] NOT NULL,
    status text NOT NULL,
    language text DEFAULT 'en'::text NOT NULL,
    theme text DEFAULT 'system'::text NOT NULL,
    email_verified_at timestamp with time zone,
    phone_verified_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    avatar text,
    digest text DEFAULT 'none'::text NOT NULL,
    quiet_from time without time zone,
    quiet_to time without time zone,
    second_factor boolean DEFAULT false NOT NULL,
    CONSTRAINT users_avatar_check CHECK ((avatar ~ '^[0-9a-f]{32}$'::text)),
    CONSTRAINT users_check CHECK (((permissions = '{}'::text[]) OR ('admin'::text = ANY (roles)))),
    CONSTRAINT users_check1 CHECK ((((quiet_from IS NULL) = (quiet_to IS NULL)) AND (quiet_from <> quiet_to))),
    CONSTRAINT users_digest_check CHECK ((digest = ANY (ARRAY['none'::text, 'daily'::text, 'weekly'::text]))),
    CONSTRAINT users_email_check CHECK (((email = lower(email)) AND (length(email) <= 254))),
    CONSTRAINT users_language_check CHECK ((language = ANY (ARRAY['en'::text, 'hi'::text]))),
    CONSTRAINT users_name_check CHECK (((length(name) >= 1) AND (length(name) <= 120))),
    CONSTRAINT users_permissions_check CHECK ((permissions <@ ARRAY['desk'::text, 'academics'::text, 'money'::text, 'owner'::text])),
    CONSTRAINT users_phone_check CHECK ((phone ~ '^\+[1-9][0-9]{6,14}$'::text)),
    CONSTRAINT users_roles_check CHECK (((cardinality(roles) > 0) AND (roles <@ ARRAY['student'::text, 'teacher'::text, 'parent'::text, 'admin'::text]))),
    CONSTRAINT users_status_check CHECK ((status = ANY (ARRAY['active'::text, 'pending'::text, 'disabled'::text]))),
    CONSTRAINT users_theme_check CHECK ((theme = ANY (ARRAY['system'::text, 'light'::text, 'dark'::text])))
);

CREATE FUNCTION public.given_on(teacher uuid, day date, at timestamp with time zone, joins interval) RETURNS json
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT COALESCE(json_agg(public.class_json(c.*, b.name, j.name, t.name, p.name, r.name, given_on.at, given_on.joins, true) ORDER BY c.starts_at, c.id), '[]'::json) AS "coalesce"
    FROM ((((((public.institutes i
      JOIN public.classes c ON (((c.institute_id = i.id) AND (c.teacher_id = given_on.teacher) AND (c.starts_at >= ((given_on.day)::timestamp without time zone AT TIME ZONE i.zone)) AND (c.starts_at < (((given_on.day + 1))::timestamp without time zone AT TIME ZONE i.zone)))))
      JOIN public.batches b ON (((b.institute_id = c.institute_id) AND (b.id = c.batch_id))))
      JOIN public.subjects j ON (((j.institute_id = c.institute_id) AND (j.id = c.subject_id))))
      JOIN public.users t ON (((t.institute_id = c.institute_id) AND (t.id = c.teacher_id))))
      LEFT JOIN public.users p ON (((p.institute_id = c.institute_id) AND (p.id = c.planned_teacher_id))))
      LEFT JOIN public.rooms r ON (((r.institute_id = c.institute_id) AND (r.id = c.room_id))))
   WHERE (i.institute_id = public.tenant());
END;

CREATE FUNCTION public.may_see_file(viewer uuid, viewer_is_admin boolean, file uuid, today date) RETURNS boolean
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 WITH self AS (
          SELECT may_see_file.viewer AS id
         UNION ALL
          SELECT l.student_id
            FROM public.parent_links l
           WHERE ((l.institute_id = public.tenant()) AND (l.parent_id = may_see_file.viewer))
         ), granted AS (
          SELECT g.hook,
             g.audience,
             g.audience_id
            FROM public.file_grants g
           WHERE ((g.institute_id = public.tenant()) AND (g.file_id = may_see_file.file))
         )
  SELECT ((EXISTS ( SELECT
            FROM (public.files f
              JOIN self s ON ((s.id = f.uploader_id)))
           WHERE ((f.institute_id = public.tenant()) AND (f.id = may_see_file.file)))) OR (EXISTS ( SELECT
            FROM granted g
           WHERE ((g.audience = 'everyone'::text) OR (may_see_file.viewer_is_admin AND (g.hook <> 'message'::text))))) OR (viewer_is_admin AND (NOT (EXISTS ( SELECT
            FROM granted))) AND (EXISTS ( SELECT
            FROM public.files f
           WHERE ((f.institute_id = public.tenant()) AND (f.id = may_see_file.file) AND (f.purpose <> ALL (ARRAY['message'::text, 'voice'::text])))))) OR (EXISTS ( SELECT
            FROM (granted g
              JOIN self s ON (((g.audience = 'person'::text) AND (g.audience_id = s.id)))))) OR (EXISTS ( SELECT
            FROM ((granted g
              JOIN public.enrolments e ON (((e.institute_id = public.tenant()) AND (e.batch_id = g.audience_id))))
              JOIN self s ON ((s.id = e.student_id)))
           WHERE ((g.audience = 'batch'::text) AND (e.starts_on <= may_see_file.today) AND ((e.ends_on IS NULL) OR (e.ends_on > may_see_file.today))))) OR (EXISTS ( SELECT
            FROM (granted g
              JOIN public.batch_subjects b ON (((b.institute_id = public.tenant()) AND (b.batch_id = g.audience_id) AND (b.teacher_id = may_see_file.viewer))))
           WHERE (g.audience = ANY (ARRAY['batch'::text, 'batch_teachers'::text])))));
END;

CREATE FUNCTION public.may_see_student(viewer uuid, viewer_is_admin boolean, student uuid, today date) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN ((viewer = student) OR viewer_is_admin OR (EXISTS (SELECT FROM public.parent_links l WHERE ((l.institute_id = public.tenant()) AND (l.parent_id = may_see_student.viewer) AND (l.student_id = may_see_student.student)))) OR (EXISTS (SELECT FROM (public.enrolments e JOIN public.batch_subjects b ON (((b.institute_id = e.institute_id) AND (b.batch_id = e.batch_id)))) WHERE ((e.institute_id = public.tenant()) AND (e.student_id = may_see_student.student) AND (b.teacher_id = may_see_student.viewer) AND (e.starts_on <= may_see_student.today) AND ((e.ends_on IS NULL) OR (e.ends_on > may_see_student.today))))));

CREATE FUNCTION public.new_file_key() RETURNS bytea
    LANGUAGE sql
    RETURN (((uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())) || uuid_send(gen_random_uuid())) || uuid_send(gen_random_uuid()));

CREATE FUNCTION public.next_classes(student uuid, at timestamp with time zone, joins interval) RETURNS json
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT COALESCE(json_agg(public.class_json(c.*, b.name, j.name, t.name, p.name, r.name, next_classes.at, next_classes.joins, false) ORDER BY c.starts_at, c.id), '[]'::json) AS "coalesce"
    FROM ((((((( SELECT m.id
            FROM ((public.enrolments e
              JOIN public.institutes i ON ((i.id = e.institute_id)))
              JOIN public.classes m ON (((m.institute_id = e.institute_id) AND (m.batch_id = e.batch_id) AND (m.starts_at > (next_classes.at - '12:00:00'::interval)) AND (m.starts_at < (next_classes.at + '8 days'::interval)) AND (m.ends_at > next_classes.at) AND (m.ended_at IS NULL) AND (m.cancelled_at IS NULL) AND (((m.starts_at AT TIME ZONE i.zone))::date >= e.starts_on) AND ((e.ends_on IS NULL) OR (((m.starts_at AT TIME ZONE i.zone))::date < e.ends_on)))))
           WHERE ((e.institute_id = public.tenant()) AND (e.student_id = next_classes.student))
           ORDER BY m.starts_at, m.id
          LIMIT 3) n
      JOIN public.classes c ON (((c.institute_id = public.tenant()) AND (c.id = n.id))))
      JOIN public.batches b ON (((b.institute_id = c.institute_id) AND (b.id = c.batch_id))))
      JOIN public.subjects j ON (((j.institute_id = c.institute_id) AND (j.id = c.subject_id))))
      JOIN public.users t ON (((t.institute_id = c.institute_id) AND (t.id = c.teacher_id))))
      LEFT JOIN public.users p ON (((p.institute_id = c.institute_id) AND (p.id = c.planned_teacher_id))))
      LEFT JOIN public.rooms r ON (((r.institute_id = c.institute_id) AND (r.id = c.room_id))));
END;

CREATE FUNCTION public.num(value numeric) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN trim_scale(value);

CREATE FUNCTION public.open_to_app(target regclass, rights text) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
  execute format('grant %s on table %s to %I', rights, target, current_setting('kaksha.app_role'));
  execute format('alter table %s enable row level security', target);
  execute format(
    'create policy tenant on %s using (institute_id = (select tenant())) with check (institute_id = (select tenant()))',
    target);
end $$;

CREATE FUNCTION public.right_guess(keys bytea[], periods interval[], places bytea[], at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
  for number in 1 .. array_length(keys, 1) loop
    update rate_limits set tat = tat - periods[number] where key = keys[number];
  end loop;
  insert into sign_in_places as p (key, seen_at) select distinct key, at from unnest(places) key order by key
    on conflict (key) do update set seen_at = excluded.seen_at where p.seen_at < excluded.seen_at - interval '1 day';
end $$;

CREATE FUNCTION public.search_people(said text) RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 20
    SET search_path TO 'public', 'pg_temp'
    AS $_$
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
end $_$;

CREATE FUNCTION public.sessions_changed_since(since timestamp with time zone) RETURNS TABLE(session_id uuid, changed_at timestamp with time zone, ended boolean)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    select s.id, s.changed_at, s.revoked_at is not null from sessions s where s.changed_at >= since
  $$;

CREATE FUNCTION public.subjects_of(viewer uuid, today date) RETURNS SETOF uuid
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT s.subject_id
    FROM public.batch_subjects s
   WHERE ((s.institute_id = public.tenant()) AND (s.batch_id IN ( SELECT mine.id
            FROM public.batches_of(subjects_of.viewer, subjects_of.today) mine(id))));
END;

CREATE FUNCTION public.sweep(at timestamp with time zone) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    with keys as (delete from idempotency_keys where created_at < sweep.at - interval '24 hours' returning 1),
      tokens as (delete from refresh_tokens where expires_at < sweep.at - interval '1 day' returning 1),
      limits as (delete from rate_limits where tat < sweep.at - interval '1 hour' returning 1),
      links as (delete from one_time_tokens where expires_at < sweep.at - interval '7 days' returning 1),
      ended as (
        delete from sessions s where coalesce(s.revoked_at, s.expires_at) < sweep.at - interval '180 days'
          and not exists (
            select from refresh_tokens t where t.institute_id = s.institute_id and t.session_id = s.id)
        returning 1),
      places as (delete from sign_in_places where seen_at < sweep.at - interval '180 days' returning 1),
      old as (delete from notices n where n.at < sweep.at - interval '180 days' returning 1)
    select (select count(*) from keys) + (select count(*) from tokens) + (select count(*) from limits)
      + (select count(*) from links) + (select count(*) from ended) + (select count(*) from places)
      + (select count(*) from old)
  $$;

CREATE FUNCTION public.take_limit(limit_key bytea, period interval, burst integer, at timestamp with time zone, OUT allowed boolean, OUT remaining integer, OUT retry_after double precision) RETURNS record
    LANGUAGE plpgsql
    AS $$
declare
  next_tat timestamptz;
begin
  insert into rate_limits as r (key, tat) values (limit_key, at + period)
    on conflict (key) do update set tat = greatest(r.tat, at) + period
      where greatest(r.tat, at) + period <= at + period * burst
    returning tat into next_tat;
  allowed := next_tat is not null;
  if allowed then
    remaining := floor(extract(epoch from at + period * burst - next_tat) / extract(epoch from period));
    retry_after := 0;
  else
    remaining := 0;
    select extract(epoch from r.tat + period - (at + period * burst)) into retry_after from rate_limits r where r.key = limit_key;
  end if;
end $$;

CREATE TABLE jobs.pgqueuer (
    id bigint NOT NULL,
    priority integer NOT NULL,
    queue_manager_id uuid,
    created timestamp with time zone DEFAULT now() NOT NULL,
    updated timestamp with time zone DEFAULT now() NOT NULL,
    heartbeat timestamp with time zone DEFAULT now() NOT NULL,
    execute_after timestamp with time zone DEFAULT now() NOT NULL,
    status jobs.pgqueuer_status NOT NULL,
    entrypoint text NOT NULL,
    dedupe_key text,
    payload bytea,
    headers jsonb,
    attempts integer DEFAULT 0 NOT NULL,
    slot bigint
);

CREATE SEQUENCE jobs.pgqueuer_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE jobs.pgqueuer_id_seq OWNED BY jobs.pgqueuer.id;

CREATE TABLE jobs.pgqueuer_log (
    id bigint NOT NULL,
    created timestamp with time zone DEFAULT now() NOT NULL,
    job_id bigint NOT NULL,
    status jobs.pgqueuer_status NOT NULL,
    priority integer NOT NULL,
    entrypoint text NOT NULL,
    traceback jsonb,
    aggregated boolean DEFAULT false
);

ALTER TABLE jobs.pgqueuer_log ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME jobs.pgqueuer_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE jobs.pgqueuer_schedules (
    id bigint NOT NULL,
    expression text NOT NULL,
    entrypoint text NOT NULL,
    heartbeat timestamp with time zone DEFAULT now() NOT NULL,
    created timestamp with time zone DEFAULT now() NOT NULL,
    updated timestamp with time zone DEFAULT now() NOT NULL,
    next_run timestamp with time zone DEFAULT now() NOT NULL,
    last_run timestamp with time zone,
    status jobs.pgqueuer_status DEFAULT 'queued'::jobs.pgqueuer_status
);

CREATE SEQUENCE jobs.pgqueuer_schedules_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE jobs.pgqueuer_schedules_id_seq OWNED BY jobs.pgqueuer_schedules.id;

CREATE TABLE jobs.pgqueuer_statistics (
    id bigint NOT NULL,
    created timestamp with time zone DEFAULT date_trunc('sec'::text, now()) NOT NULL,
    count bigint NOT NULL,
    priority integer NOT NULL,
    status jobs.pgqueuer_status NOT NULL,
    entrypoint text NOT NULL
);

CREATE SEQUENCE jobs.pgqueuer_statistics_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE jobs.pgqueuer_statistics_id_seq OWNED BY jobs.pgqueuer_statistics.id;

CREATE TABLE public.attendance_sent (
    institute_id uuid NOT NULL,
    id uuid NOT NULL,
    class_id uuid NOT NULL,
    student_id uuid,
    digest bytea NOT NULL,
    sent_at timestamp with time zone NOT NULL
);

CREATE TABLE public.audit_log (
    institute_id uuid NOT NULL,
    id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    actor_id uuid,
    request_id text,
    action text NOT NULL,
    subject_id uuid,
    before jsonb,
    after jsonb,
    person_id uuid,
    sealed bytea
);

CREATE TABLE public.dead_addresses (
    institute_id uuid NOT NULL,
    user_id uuid NOT NULL,
    channel text NOT NULL,
    address_hash bytea NOT NULL,
    found_at timestamp with time zone NOT NULL,
    CONSTRAINT dead_addresses_channel_check CHECK ((channel = ANY (ARRAY['email'::text, 'sms'::text])))
);

CREATE TABLE public.deliveries (
    institute_id uuid NOT NULL,
    id uuid NOT NULL,
    notification_id uuid NOT NULL,
    user_id uuid NOT NULL,
    channel text NOT NULL,
    target_id uuid NOT NULL,
    state text DEFAULT 'waiting'::text NOT NULL,
    digest boolean DEFAULT false NOT NULL,
    due_at timestamp with time zone NOT NULL,
    lapses_at timestamp with time zone NOT NULL,
    attempts smallint DEFAULT 0 NOT NULL,
    claim uuid,
    batch uuid,
    provider_id text,
    why text,
    done_at timestamp with time zone,
    CONSTRAINT deliveries_channel_check CHECK ((channel = ANY (ARRAY['push'::text, 'email'::text, 'sms'::text]))),
    CONSTRAINT deliveries_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'sending'::text, 'sent'::text, 'failed'::text, 'dropped'::text])))
);

CREATE TABLE public.notices (
    institute_id uuid NOT NULL,
    id uuid NOT NULL,
    kind text NOT NULL,
    about uuid,
    texts jsonb NOT NULL,
    data jsonb NOT NULL,
    made_at timestamp with time zone NOT NULL,
    at timestamp with time zone NOT NULL,
    routed_at timestamp with time zone
);

CREATE TABLE public.notifications (
    institute_id uuid NOT NULL,
    id uuid NOT NULL,
    notice_id uuid NOT NULL,
    user_id uuid NOT NULL,
    kind text NOT NULL,
    dedupe text,
    at timestamp with time zone NOT NULL,
    read_at timestamp with time zone
);

CREATE TABLE public.push_targets (
    institute_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    session_id uuid NOT NULL,
    service text NOT NULL,
    address text NOT NULL,
    address_hash bytea NOT NULL,
    client_key bytea,
    client_secret bytea,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT push_targets_address_check CHECK ((length(address) <= 4096)),
    CONSTRAINT push_targets_check CHECK (((service = 'web'::text) = (client_key IS NOT NULL))),
    CONSTRAINT push_targets_check1 CHECK (((service = 'web'::text) = (client_secret IS NOT NULL))),
    CONSTRAINT push_targets_service_check CHECK ((service = ANY (ARRAY['web'::text, 'fcm'::text])))
);

CREATE VIEW public.delivery_contents WITH (security_invoker='true') AS
 SELECT d.institute_id,
    d.id,
    d.notification_id,
    d.user_id,
    d.channel,
    d.target_id,
    d.lapses_at,
    e.kind,
    e.made_at,
    (COALESCE((e.texts -> u.language), (e.texts -> 'en'::text)))::text AS texts,
    (e.data ->> 'path'::text) AS path,
    u.name,
    u.language,
    i.zone,
    i.name AS institute,
    u.email,
    u.phone,
    p.service,
    p.address,
    p.client_key,
    p.client_secret
   FROM (((((public.deliveries d
     JOIN public.notifications n ON (((n.institute_id = d.institute_id) AND (n.id = d.notification_id))))
     JOIN public.notices e ON (((e.institute_id = d.institute_id) AND (e.id = n.notice_id))))
     JOIN public.users u ON (((u.institute_id = d.institute_id) AND (u.id = d.user_id))))
     JOIN public.institutes i ON ((i.id = d.institute_id)))
     LEFT JOIN public.push_targets p ON (((p.institute_id = d.institute_id) AND (p.id = d.target_id) AND (p.user_id = d.user_id))));

CREATE TABLE public.file_usage (
    institute_id uuid NOT NULL,
    owner_id uuid NOT NULL,
    bytes bigint NOT NULL,
    CONSTRAINT file_usage_bytes_check CHECK ((bytes >= 0))
);

CREATE TABLE public.holidays (
    institute_id uuid NOT NULL,
    id uuid NOT NULL,
    batch_id uuid,
    name text NOT NULL,
    starts_on date NOT NULL,
    ends_on date NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT holidays_check CHECK (((ends_on >= starts_on) AND (ends_on <= (starts_on + 200)))),
    CONSTRAINT holidays_name_check CHECK (((length(name) >= 1) AND (length(name) <= 80)))
);

CREATE TABLE public.idempotency_keys (
    institute_id uuid NOT NULL,
    user_id uuid NOT NULL,
    route text NOT NULL,
    key text NOT NULL,
    body_hash bytea NOT NULL,
    status smallint NOT NULL,
    location text,
    answer bytea NOT NULL,
    created_at timestamp with time zone NOT NULL
);

CREATE TABLE public.invite_uses (
    institute_id uuid NOT NULL,
    invite_id uuid NOT NULL,
    user_id uuid NOT NULL,
    used_at timestamp with time zone NOT NULL
);

CREATE TABLE public.invites (
    institute_id uuid NOT NULL,
    id uuid NOT NULL,
    code_hash bytea NOT NULL,
    role text NOT NULL,
    batch_id uuid,
    student_id uuid,
    relation text,
    uses integer NOT NULL,
    uses_left integer NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    label text DEFAULT ''::text NOT NULL,
    created_by uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    CONSTRAINT invites_check CHECK (((batch_id IS NULL) OR (role = 'student'::text))),
    CONSTRAINT invites_check1 CHECK (((student_id IS NULL) OR (role = 'parent'::text))),
    CONSTRAINT invites_check2 CHECK (((relation IS NULL) OR ((relation = ANY (ARRAY['mother'::text, 'father'::text, 'guardian'::text])) AND (student_id IS NOT NULL)))),
    CONSTRAINT invites_check3 CHECK (((uses_left >= 0) AND (uses_left <= uses))),
    CONSTRAINT invites_label_check CHECK ((length(label) <= 80)),
    CONSTRAINT invites_role_check CHECK ((role = ANY (ARRAY['student'::text, 'teacher'::text, 'parent'::text, 'admin'::text]))),
    CONSTRAINT invites_uses_check CHECK (((uses >= 1) AND (uses <= 500)))
);

CREATE TABLE public.message_costs (
    institute_id uuid NOT NULL,
    delivery_id uuid NOT NULL,
    user_id uuid NOT NULL,
    day date NOT NULL,
    channel text NOT NULL,
    segments smallint NOT NULL,
    paise bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT message_costs_channel_check CHECK ((channel = 'sms'::text)),
    CONSTRAINT message_costs_paise_check CHECK ((paise >= 0)),
    CONSTRAINT message_costs_segments_check CHECK ((segments > 0))
);

CREATE TABLE public.notification_choices (
    institute_id uuid NOT NULL,
    user_id uuid NOT NULL,
    topic text NOT NULL,
    channel text NOT NULL,
    wanted boolean NOT NULL,
    CONSTRAINT notification_choices_channel_check CHECK ((channel = ANY (ARRAY['push'::text, 'email'::text, 'sms'::text])))
);

CREATE TABLE public.one_time_tokens (
    institute_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    purpose text NOT NULL,
    sent_to text NOT NULL,
    hash bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    CONSTRAINT one_time_tokens_purpose_check CHECK ((purpose = ANY (ARRAY['verify_email'::text, 'reset_password'::text])))
);

CREATE TABLE public.passkeys (
    institute_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    credential_id bytea NOT NULL,
    public_key bytea NOT NULL,
    sign_count bigint NOT NULL,
    backed_up boolean NOT NULL,
    label text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    revoked_at timestamp with time zone,
    CONSTRAINT passkeys_label_check CHECK (((length(label) >= 1) AND (length(label) <= 60)))
);

CREATE TABLE public.person_keys (
    institute_id uuid NOT NULL,
    user_id uuid NOT NULL,
    sealed_key bytea NOT NULL
);

CREATE UNLOGGED TABLE public.rate_limits (
    key bytea NOT NULL,
    tat timestamp with time zone NOT NULL
);

CREATE TABLE public.recovery_codes (
    institute_id uuid NOT NULL,
    user_id uuid NOT NULL,
    hash bytea NOT NULL,
    used_at timestamp with time zone
);

CREATE TABLE public.refresh_tokens (
    institute_id uuid NOT NULL,
    hash bytea NOT NULL,
    session_id uuid NOT NULL,
    issued_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone
);

CREATE TABLE public.schema_migrations (
    number integer NOT NULL,
    name text NOT NULL,
    digest text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.second_factors (
    institute_id uuid NOT NULL,
    user_id uuid NOT NULL,
    secret bytea NOT NULL,
    last_step bigint NOT NULL,
    created_at timestamp with time zone NOT NULL
);

CREATE TABLE public.sessions (
    institute_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    kind text NOT NULL,
    secret_hash bytea,
    role text NOT NULL,
    device_id text,
    platform text,
    app_version text,
    created_at timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    changed_at timestamp with time zone,
    revoked_at timestamp with time zone,
    revoked_why text,
    CONSTRAINT sessions_check CHECK (((kind = 'web'::text) = (secret_hash IS NOT NULL))),
    CONSTRAINT sessions_kind_check CHECK ((kind = ANY (ARRAY['web'::text, 'api'::text])))
);

CREATE TABLE public.sign_in_places (
    key bytea NOT NULL,
    seen_at timestamp with time zone NOT NULL
);

CREATE TABLE public.students (
    institute_id uuid NOT NULL,
    user_id uuid NOT NULL,
    roll_no text NOT NULL,
    grade text NOT NULL,
    joined_on date NOT NULL,
    left_on date,
    CONSTRAINT students_check CHECK ((left_on >= joined_on)),
    CONSTRAINT students_grade_check CHECK (((length(grade) >= 1) AND (length(grade) <= 40))),
    CONSTRAINT students_roll_no_check CHECK (((length(roll_no) >= 1) AND (length(roll_no) <= 20)))
);

CREATE TABLE public.teachers (
    institute_id uuid NOT NULL,
    user_id uuid NOT NULL,
    title text DEFAULT ''::text NOT NULL,
    joined_on date NOT NULL,
    left_on date,
    CONSTRAINT teachers_check CHECK ((left_on >= joined_on)),
    CONSTRAINT teachers_title_check CHECK ((length(title) <= 80))
);

CREATE TABLE public.uploads (
    institute_id uuid NOT NULL,
    id uuid NOT NULL,
    uploader_id uuid NOT NULL,
    purpose text NOT NULL,
    name text NOT NULL,
    declared_type text DEFAULT ''::text NOT NULL,
    size bigint NOT NULL,
    received bigint DEFAULT 0 NOT NULL,
    pieces text[] DEFAULT '{}'::text[] NOT NULL,
    file_id uuid,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT uploads_check CHECK (((received >= 0) AND (received <= size))),
    CONSTRAINT uploads_name_check CHECK (((length(name) >= 1) AND (length(name) <= 120))),
    CONSTRAINT uploads_size_check CHECK ((size > 0))
);

ALTER TABLE ONLY jobs.pgqueuer ALTER COLUMN id SET DEFAULT nextval('jobs.pgqueuer_id_seq'::regclass);

ALTER TABLE ONLY jobs.pgqueuer_schedules ALTER COLUMN id SET DEFAULT nextval('jobs.pgqueuer_schedules_id_seq'::regclass);

ALTER TABLE ONLY jobs.pgqueuer_statistics ALTER COLUMN id SET DEFAULT nextval('jobs.pgqueuer_statistics_id_seq'::regclass);

ALTER TABLE ONLY jobs.pgqueuer_log
    ADD CONSTRAINT pgqueuer_log_pkey PRIMARY KEY (id);

ALTER TABLE ONLY jobs.pgqueuer
    ADD CONSTRAINT pgqueuer_pkey PRIMARY KEY (id);

ALTER TABLE ONLY jobs.pgqueuer_schedules
    ADD CONSTRAINT pgqueuer_schedules_expression_entrypoint_key UNIQUE (expression, entrypoint);

ALTER TABLE ONLY jobs.pgqueuer_schedules
    ADD CONSTRAINT pgqueuer_schedules_pkey PRIMARY KEY (id);

ALTER TABLE ONLY jobs.pgqueuer_statistics
    ADD CONSTRAINT pgqueuer_statistics_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.attendance_marks
    ADD CONSTRAINT attendance_marks_pkey PRIMARY KEY (institute_id, student_id, class_id);

ALTER TABLE ONLY public.attendance_sent
    ADD CONSTRAINT attendance_sent_pkey PRIMARY KEY (institute_id, id);

ALTER TABLE ONLY public.attendance_settings
    ADD CONSTRAINT attendance_settings_pkey PRIMARY KEY (institute_id);

ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (institute_id, id);

ALTER TABLE ONLY public.batch_subjects
    ADD CONSTRAINT batch_subjects_pkey PRIMARY KEY (institute_id, batch_id, subject_id);

ALTER TABLE ONLY public.batches
    ADD CONSTRAINT batches_code EXCLUDE USING gist (institute_id WITH =, lower(code) WITH =, daterange(starts_on, ends_on, '[]'::text) WITH &&) WHERE ((archived_at IS NULL));

ALTER TABLE ONLY public.batches
    ADD CONSTRAINT batches_pkey PRIMARY KEY (institute_id, id);

ALTER TABLE ONLY public.classes
    ADD CONSTRAINT classes_batch_once EXCLUDE USING gist (institute_id WITH =, batch_id WITH =, tstzrange(starts_at, ends_at) WITH &&) WHERE ((cancelled_at IS NULL)) DEFERRABLE;

ALTER TABLE ONLY public.classes
    ADD CONSTRAINT classes_pkey PRIMARY KEY (institute_id, id);

ALTER TABLE ONLY public.classes
    ADD CONSTRAINT classes_room_once EXCLUDE USING gist (institute_id WITH =, room_id WITH =, tstzrange(starts_at, ends_at) WITH &&) WHERE ((cancelled_at IS NULL)) DEFERRABLE;

ALTER TABLE ONLY public.classes
    ADD CONSTRAINT classes_slot_once UNIQUE (institute_id, slot_id, slot_on);

ALTER TABLE ONLY public.classes
    ADD CONSTRAINT classes_teacher_once EXCLUDE USING gist (institute_id WITH =, teacher_id WITH =, tstzrange(starts_at, ends_at) WITH &&) WHERE ((cancelled_at IS NULL)) DEFERRABLE;

ALTER TABLE ONLY public.dead_addresses
    ADD CONSTRAINT dead_addresses_pkey PRIMARY KEY (institute_id, user_id, channel, address_hash);

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (institute_id, id);

ALTER TABLE ONLY public.enrolments
    ADD CONSTRAINT enrolments_once EXCLUDE USING gist (institute_id WITH =, batch_id WITH =, student_id WITH =, daterange(starts_on, ends_on) WITH &&);

ALTER TABLE ONLY public.enrolments
    ADD CONSTRAINT enrolments_pkey PRIMARY KEY (institute_id, id);

ALTER TABLE ONLY public.file_grants
    ADD CONSTRAINT file_grants_pkey PRIMARY KEY (institute_id, file_id, hook, hook_id, audience, audience_id);

ALTER TABLE ONLY public.file_keys
    ADD CONSTRAINT file_keys_pkey PRIMARY KEY (institute_id);

ALTER TABLE ONLY public.file_usage
    ADD CONSTRAINT file_usage_pkey PRIMARY KEY (institute_id, owner_id);

ALTER TABLE ONLY public.files
    ADD CONSTRAINT files_pkey PRIMARY KEY (institute_id, id);

ALTER TABLE ONLY public.holidays
    ADD CONSTRAINT holidays_pkey PRIMARY KEY (institute_id, id);

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (institute_id, user_id, route, key);

ALTER TABLE ONLY public.institutes
    ADD CONSTRAINT institutes_code_key UNIQUE (code);

ALTER TABLE ONLY public.institutes
    ADD CONSTRAINT institutes_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.invite_uses
    ADD CONSTRAINT invite_uses_pkey PRIMARY KEY (institute_id, invite_id, user_id);

ALTER TABLE ONLY public.invites
    ADD CONSTRAINT invites_pkey PRIMARY KEY (institute_id, id);

ALTER TABLE ONLY public.message_costs
    ADD CONSTRAINT message_costs_pkey PRIMARY KEY (institute_id, delivery_id);

ALTER TABLE ONLY public.notices
    ADD CONSTRAINT notices_pkey PRIMARY KEY (institute_id, id);

ALTER TABLE ONLY public.notification_choices
    ADD CONSTRAINT notification_choices_pkey PRIMARY KEY (institute_id, user_id, topic, channel);

ALTER TABLE ONLY public.notifications
    ADD CONSTRAINT notifications_pkey PRIMARY KEY (institute_id, id);

ALTER TABLE ONLY public.one_time_tokens
    ADD CONSTRAINT one_time_tokens_pkey PRIMARY KEY (institute_id, id);

ALTER TABLE ONLY public.parent_links
    ADD CONSTRAINT parent_links_pkey PRIMARY KEY (institute_id, parent_id, student_id);

ALTER TABLE ONLY public.passkeys
    ADD CONSTRAINT passkeys_pkey PRIMARY KEY (institute_id, id);

ALTER TABLE ONLY public.person_keys
    ADD CONSTRAINT person_keys_pkey PRIMARY KEY (institute_id, user_id);

ALTER TABLE ONLY public.push_targets
    ADD CONSTRAINT push_targets_pkey PRIMARY KEY (institute_id, id);

ALTER TABLE ONLY public.rate_limits
    ADD CONSTRAINT rate_limits_pkey PRIMARY KEY (key);

ALTER TABLE ONLY public.recovery_codes
    ADD CONSTRAINT recovery_codes_pkey PRIMARY KEY (institute_id, user_id, hash);

ALTER TABLE ONLY public.refresh_tokens
    ADD CONSTRAINT refresh_tokens_pkey PRIMARY KEY (institute_id, hash);

ALTER TABLE ONLY public.rooms
    ADD CONSTRAINT rooms_pkey PRIMARY KEY (institute_id, id);

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (number);

ALTER TABLE ONLY public.second_factors
    ADD CONSTRAINT second_factors_pkey PRIMARY KEY (institute_id, user_id);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (institute_id, id);

ALTER TABLE ONLY public.sign_in_places
    ADD CONSTRAINT sign_in_places_pkey PRIMARY KEY (key);

ALTER TABLE ONLY public.students
    ADD CONSTRAINT students_pkey PRIMARY KEY (institute_id, user_id);

ALTER TABLE ONLY public.subjects
    ADD CONSTRAINT subjects_pkey PRIMARY KEY (institute_id, id);

ALTER TABLE ONLY public.teachers
    ADD CONSTRAINT teachers_pkey PRIMARY KEY (institute_id, user_id);

ALTER TABLE ONLY public.timetable_slots
    ADD CONSTRAINT timetable_slots_pkey PRIMARY KEY (institute_id, id);

ALTER TABLE ONLY public.uploads
    ADD CONSTRAINT uploads_pkey PRIMARY KEY (institute_id, id);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (institute_id, id);

CREATE INDEX pgqueuer_ep_ea_idx ON jobs.pgqueuer USING btree (entrypoint, execute_after) WHERE (status = 'queued'::jobs.pgqueuer_status);

CREATE INDEX pgqueuer_ep_prio_id_idx ON jobs.pgqueuer USING btree (entrypoint, priority DESC, id) WHERE (status = 'queued'::jobs.pgqueuer_status);

CREATE INDEX pgqueuer_log_created ON jobs.pgqueuer_log USING btree (created);

CREATE INDEX pgqueuer_log_job_id_status ON jobs.pgqueuer_log USING btree (job_id, created DESC);

CREATE INDEX pgqueuer_log_not_aggregated ON jobs.pgqueuer_log USING btree ((1)) WHERE (NOT aggregated);

CREATE INDEX pgqueuer_log_status ON jobs.pgqueuer_log USING btree (status);

CREATE INDEX pgqueuer_picked_heartbeat_idx ON jobs.pgqueuer USING btree (heartbeat) WHERE (status = 'picked'::jobs.pgqueuer_status);

CREATE UNIQUE INDEX pgqueuer_picked_slot_idx ON jobs.pgqueuer USING btree (entrypoint, slot) WHERE ((status = 'picked'::jobs.pgqueuer_status) AND (slot IS NOT NULL));

CREATE INDEX pgqueuer_priority_id_id1_idx ON jobs.pgqueuer USING btree (priority, id DESC) INCLUDE (id) WHERE (status = 'queued'::jobs.pgqueuer_status);

CREATE INDEX pgqueuer_queue_manager_id_idx ON jobs.pgqueuer USING btree (queue_manager_id) WHERE (queue_manager_id IS NOT NULL);

CREATE UNIQUE INDEX pgqueuer_statistics_unique_count ON jobs.pgqueuer_statistics USING btree (priority, date_trunc('sec'::text, timezone('UTC'::text, created)), status, entrypoint);

CREATE UNIQUE INDEX pgqueuer_unique_dedupe_key ON jobs.pgqueuer USING btree (dedupe_key) WHERE ((status = ANY (ARRAY['queued'::jobs.pgqueuer_status, 'picked'::jobs.pgqueuer_status])) AND (dedupe_key IS NOT NULL));

CREATE INDEX pgqueuer_updated_id_id1_idx ON jobs.pgqueuer USING btree (updated, id DESC) INCLUDE (id) WHERE (status = 'picked'::jobs.pgqueuer_status);

CREATE INDEX attendance_marks_class ON public.attendance_marks USING btree (institute_id, class_id) INCLUDE (student_id, status);

CREATE INDEX audit_log_subject ON public.audit_log USING btree (institute_id, subject_id, id);

CREATE INDEX batch_subjects_teacher ON public.batch_subjects USING btree (institute_id, teacher_id, batch_id);

CREATE INDEX classes_batch ON public.classes USING btree (institute_id, batch_id, starts_at);

CREATE INDEX classes_planned ON public.classes USING btree (institute_id, planned_teacher_id, starts_at) WHERE (planned_teacher_id IS NOT NULL);

CREATE INDEX classes_teacher ON public.classes USING btree (institute_id, teacher_id, starts_at);

CREATE INDEX classes_time ON public.classes USING btree (institute_id, starts_at);

CREATE INDEX deliveries_due ON public.deliveries USING btree (institute_id, due_at) WHERE (state = ANY (ARRAY['waiting'::text, 'sending'::text]));

CREATE UNIQUE INDEX deliveries_once ON public.deliveries USING btree (institute_id, notification_id, channel, target_id);

CREATE INDEX enrolments_batch ON public.enrolments USING btree (institute_id, batch_id, student_id) INCLUDE (starts_on, ends_on);

CREATE INDEX enrolments_student ON public.enrolments USING btree (institute_id, student_id, batch_id) INCLUDE (starts_on, ends_on);

CREATE INDEX file_grants_hook ON public.file_grants USING btree (institute_id, hook, hook_id, file_id);

CREATE INDEX files_age ON public.files USING btree (institute_id, created_at);

CREATE INDEX files_uploader ON public.files USING btree (institute_id, uploader_id, id);

CREATE INDEX holidays_days ON public.holidays USING btree (institute_id, ends_on, starts_on);

CREATE INDEX idempotency_keys_age ON public.idempotency_keys USING btree (created_at);

CREATE UNIQUE INDEX invites_code ON public.invites USING btree (institute_id, code_hash);

CREATE INDEX message_costs_day ON public.message_costs USING btree (institute_id, day, user_id);

CREATE INDEX notices_about ON public.notices USING btree (institute_id, about, kind) WHERE (about IS NOT NULL);

CREATE INDEX notices_age ON public.notices USING btree (at);

CREATE INDEX notices_waiting ON public.notices USING btree (institute_id, at) WHERE (routed_at IS NULL);

CREATE UNIQUE INDEX notifications_dedupe ON public.notifications USING btree (institute_id, user_id, kind, dedupe) WHERE (dedupe IS NOT NULL);

CREATE INDEX notifications_list ON public.notifications USING btree (institute_id, user_id, at DESC, id DESC);

CREATE UNIQUE INDEX notifications_notice ON public.notifications USING btree (institute_id, notice_id, user_id);

CREATE INDEX notifications_unread ON public.notifications USING btree (institute_id, user_id, at) WHERE (read_at IS NULL);

CREATE INDEX one_time_tokens_age ON public.one_time_tokens USING btree (expires_at);

CREATE UNIQUE INDEX one_time_tokens_hash ON public.one_time_tokens USING btree (institute_id, hash);

CREATE INDEX one_time_tokens_user ON public.one_time_tokens USING btree (institute_id, user_id, purpose) WHERE (used_at IS NULL);

CREATE INDEX parent_links_student ON public.parent_links USING btree (institute_id, student_id);

CREATE UNIQUE INDEX passkeys_credential ON public.passkeys USING btree (institute_id, credential_id);

CREATE INDEX passkeys_user ON public.passkeys USING btree (institute_id, user_id) WHERE (revoked_at IS NULL);

CREATE UNIQUE INDEX push_targets_address ON public.push_targets USING btree (institute_id, address_hash);

CREATE INDEX push_targets_session ON public.push_targets USING btree (institute_id, session_id);

CREATE INDEX push_targets_user ON public.push_targets USING btree (institute_id, user_id);

CREATE INDEX refresh_tokens_age ON public.refresh_tokens USING btree (expires_at);

CREATE INDEX refresh_tokens_session ON public.refresh_tokens USING btree (institute_id, session_id);

CREATE UNIQUE INDEX rooms_name ON public.rooms USING btree (institute_id, lower(name)) WHERE (archived_at IS NULL);

CREATE INDEX sessions_changed ON public.sessions USING btree (changed_at) WHERE (changed_at IS NOT NULL);

CREATE INDEX sessions_of_user ON public.sessions USING btree (institute_id, user_id);

CREATE UNIQUE INDEX sessions_secret ON public.sessions USING btree (institute_id, secret_hash) WHERE (secret_hash IS NOT NULL);

CREATE INDEX sessions_user ON public.sessions USING btree (institute_id, user_id) WHERE (revoked_at IS NULL);

CREATE INDEX sign_in_places_age ON public.sign_in_places USING btree (seen_at);

CREATE UNIQUE INDEX students_roll_no ON public.students USING btree (institute_id, lower(roll_no) text_pattern_ops);

CREATE UNIQUE INDEX subjects_code ON public.subjects USING btree (institute_id, lower(code)) WHERE (archived_at IS NULL);

CREATE UNIQUE INDEX subjects_name ON public.subjects USING btree (institute_id, lower(name)) WHERE (archived_at IS NULL);

CREATE INDEX timetable_slots_batch ON public.timetable_slots USING btree (institute_id, batch_id);

CREATE INDEX timetable_slots_teacher ON public.timetable_slots USING btree (institute_id, teacher_id);

CREATE INDEX uploads_age ON public.uploads USING btree (institute_id, expires_at);

CREATE INDEX uploads_open ON public.uploads USING btree (institute_id, uploader_id) WHERE (file_id IS NULL);

CREATE INDEX users_email ON public.users USING btree (email) WHERE (email IS NOT NULL);

CREATE INDEX users_email_start ON public.users USING btree (institute_id, email text_pattern_ops) WHERE (email IS NOT NULL);

CREATE INDEX users_name ON public.users USING btree (institute_id, name, id) INCLUDE (roles, status, created_at);

CREATE INDEX users_owners ON public.users USING btree (institute_id) WHERE ('owner'::text = ANY (permissions));

CREATE INDEX users_phone ON public.users USING btree (phone) WHERE (phone IS NOT NULL);

CREATE INDEX users_phone_end ON public.users USING btree (institute_id, reverse(phone) text_pattern_ops) WHERE (phone IS NOT NULL);

CREATE INDEX users_words ON public.users USING gist (institute_id, ((' '::text || name)) public.gist_trgm_ops (siglen='64'));

CREATE TRIGGER tg_pgqueuer_changed AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON jobs.pgqueuer FOR EACH STATEMENT EXECUTE FUNCTION jobs.fn_pgqueuer_changed();

CREATE TRIGGER count_file_bytes AFTER INSERT OR DELETE ON public.files FOR EACH ROW EXECUTE FUNCTION public.count_file_bytes();

CREATE TRIGGER give_file_key AFTER INSERT ON public.institutes FOR EACH ROW EXECUTE FUNCTION public.give_file_key();

CREATE TRIGGER sessions_drop_push AFTER UPDATE OF revoked_at ON public.sessions FOR EACH ROW WHEN ((new.revoked_at IS NOT NULL)) EXECUTE FUNCTION public.drop_push_targets();

ALTER TABLE ONLY public.attendance_marks
    ADD CONSTRAINT attendance_marks_institute_id_class_id_fkey FOREIGN KEY (institute_id, class_id) REFERENCES public.classes(institute_id, id);

ALTER TABLE ONLY public.attendance_marks
    ADD CONSTRAINT attendance_marks_institute_id_marked_by_fkey FOREIGN KEY (institute_id, marked_by) REFERENCES public.users(institute_id, id);

ALTER TABLE ONLY public.attendance_marks
    ADD CONSTRAINT attendance_marks_institute_id_student_id_fkey FOREIGN KEY (institute_id, student_id) REFERENCES public.students(institute_id, user_id);

ALTER TABLE ONLY public.attendance_sent
    ADD CONSTRAINT attendance_sent_institute_id_class_id_fkey FOREIGN KEY (institute_id, class_id) REFERENCES public.classes(institute_id, id);

ALTER TABLE ONLY public.attendance_settings
    ADD CONSTRAINT attendance_settings_institute_id_fkey FOREIGN KEY (institute_id) REFERENCES public.institutes(id);

ALTER TABLE ONLY public.batch_subjects
    ADD CONSTRAINT batch_subjects_institute_id_batch_id_fkey FOREIGN KEY (institute_id, batch_id) REFERENCES public.batches(institute_id, id);

ALTER TABLE ONLY public.batch_subjects
    ADD CONSTRAINT batch_subjects_institute_id_subject_id_fkey FOREIGN KEY (institute_id, subject_id) REFERENCES public.subjects(institute_id, id);

ALTER TABLE ONLY public.batch_subjects
    ADD CONSTRAINT batch_subjects_institute_id_teacher_id_fkey FOREIGN KEY (institute_id, teacher_id) REFERENCES public.teachers(institute_id, user_id);

ALTER TABLE ONLY public.batches
    ADD CONSTRAINT batches_institute_id_fkey FOREIGN KEY (institute_id) REFERENCES public.institutes(id);

ALTER TABLE ONLY public.classes
    ADD CONSTRAINT classes_institute_id_batch_id_fkey FOREIGN KEY (institute_id, batch_id) REFERENCES public.batches(institute_id, id);

ALTER TABLE ONLY public.classes
    ADD CONSTRAINT classes_institute_id_holiday_id_fkey FOREIGN KEY (institute_id, holiday_id) REFERENCES public.holidays(institute_id, id) ON DELETE SET NULL (holiday_id);

ALTER TABLE ONLY public.classes
    ADD CONSTRAINT classes_institute_id_planned_teacher_id_fkey FOREIGN KEY (institute_id, planned_teacher_id) REFERENCES public.teachers(institute_id, user_id);

ALTER TABLE ONLY public.classes
    ADD CONSTRAINT classes_institute_id_room_id_fkey FOREIGN KEY (institute_id, room_id) REFERENCES public.rooms(institute_id, id);

ALTER TABLE ONLY public.classes
    ADD CONSTRAINT classes_institute_id_slot_id_fkey FOREIGN KEY (institute_id, slot_id) REFERENCES public.timetable_slots(institute_id, id);

ALTER TABLE ONLY public.classes
    ADD CONSTRAINT classes_institute_id_subject_id_fkey FOREIGN KEY (institute_id, subject_id) REFERENCES public.subjects(institute_id, id);

ALTER TABLE ONLY public.classes
    ADD CONSTRAINT classes_institute_id_teacher_id_fkey FOREIGN KEY (institute_id, teacher_id) REFERENCES public.teachers(institute_id, user_id);

ALTER TABLE ONLY public.dead_addresses
    ADD CONSTRAINT dead_addresses_institute_id_user_id_fkey FOREIGN KEY (institute_id, user_id) REFERENCES public.users(institute_id, id);

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_institute_id_notification_id_fkey FOREIGN KEY (institute_id, notification_id) REFERENCES public.notifications(institute_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.enrolments
    ADD CONSTRAINT enrolments_institute_id_batch_id_fkey FOREIGN KEY (institute_id, batch_id) REFERENCES public.batches(institute_id, id);

ALTER TABLE ONLY public.enrolments
    ADD CONSTRAINT enrolments_institute_id_student_id_fkey FOREIGN KEY (institute_id, student_id) REFERENCES public.students(institute_id, user_id);

ALTER TABLE ONLY public.file_grants
    ADD CONSTRAINT file_grants_institute_id_file_id_fkey FOREIGN KEY (institute_id, file_id) REFERENCES public.files(institute_id, id);

ALTER TABLE ONLY public.file_keys
    ADD CONSTRAINT file_keys_institute_id_fkey FOREIGN KEY (institute_id) REFERENCES public.institutes(id);

ALTER TABLE ONLY public.file_usage
    ADD CONSTRAINT file_usage_institute_id_fkey FOREIGN KEY (institute_id) REFERENCES public.institutes(id);

ALTER TABLE ONLY public.files
    ADD CONSTRAINT files_institute_id_uploader_id_fkey FOREIGN KEY (institute_id, uploader_id) REFERENCES public.users(institute_id, id);

ALTER TABLE ONLY public.holidays
    ADD CONSTRAINT holidays_institute_id_batch_id_fkey FOREIGN KEY (institute_id, batch_id) REFERENCES public.batches(institute_id, id);

ALTER TABLE ONLY public.holidays
    ADD CONSTRAINT holidays_institute_id_fkey FOREIGN KEY (institute_id) REFERENCES public.institutes(id);

ALTER TABLE ONLY public.invite_uses
    ADD CONSTRAINT invite_uses_institute_id_invite_id_fkey FOREIGN KEY (institute_id, invite_id) REFERENCES public.invites(institute_id, id);

ALTER TABLE ONLY public.invite_uses
    ADD CONSTRAINT invite_uses_institute_id_user_id_fkey FOREIGN KEY (institute_id, user_id) REFERENCES public.users(institute_id, id);

ALTER TABLE ONLY public.invites
    ADD CONSTRAINT invites_institute_id_batch_id_fkey FOREIGN KEY (institute_id, batch_id) REFERENCES public.batches(institute_id, id);

ALTER TABLE ONLY public.invites
    ADD CONSTRAINT invites_institute_id_created_by_fkey FOREIGN KEY (institute_id, created_by) REFERENCES public.users(institute_id, id);

ALTER TABLE ONLY public.invites
    ADD CONSTRAINT invites_institute_id_fkey FOREIGN KEY (institute_id) REFERENCES public.institutes(id);

ALTER TABLE ONLY public.invites
    ADD CONSTRAINT invites_institute_id_student_id_fkey FOREIGN KEY (institute_id, student_id) REFERENCES public.students(institute_id, user_id);

ALTER TABLE ONLY public.message_costs
    ADD CONSTRAINT message_costs_institute_id_fkey FOREIGN KEY (institute_id) REFERENCES public.institutes(id);

ALTER TABLE ONLY public.notices
    ADD CONSTRAINT notices_institute_id_fkey FOREIGN KEY (institute_id) REFERENCES public.institutes(id);

ALTER TABLE ONLY public.notification_choices
    ADD CONSTRAINT notification_choices_institute_id_user_id_fkey FOREIGN KEY (institute_id, user_id) REFERENCES public.users(institute_id, id);

ALTER TABLE ONLY public.notifications
    ADD CONSTRAINT notifications_institute_id_notice_id_fkey FOREIGN KEY (institute_id, notice_id) REFERENCES public.notices(institute_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.notifications
    ADD CONSTRAINT notifications_institute_id_user_id_fkey FOREIGN KEY (institute_id, user_id) REFERENCES public.users(institute_id, id);

ALTER TABLE ONLY public.one_time_tokens
    ADD CONSTRAINT one_time_tokens_institute_id_user_id_fkey FOREIGN KEY (institute_id, user_id) REFERENCES public.users(institute_id, id);

ALTER TABLE ONLY public.parent_links
    ADD CONSTRAINT parent_links_institute_id_parent_id_fkey FOREIGN KEY (institute_id, parent_id) REFERENCES public.users(institute_id, id);

ALTER TABLE ONLY public.parent_links
    ADD CONSTRAINT parent_links_institute_id_student_id_fkey FOREIGN KEY (institute_id, student_id) REFERENCES public.students(institute_id, user_id);

ALTER TABLE ONLY public.passkeys
    ADD CONSTRAINT passkeys_institute_id_user_id_fkey FOREIGN KEY (institute_id, user_id) REFERENCES public.users(institute_id, id);

ALTER TABLE ONLY public.push_targets
    ADD CONSTRAINT push_targets_institute_id_session_id_fkey FOREIGN KEY (institute_id, session_id) REFERENCES public.sessions(institute_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.push_targets
    ADD CONSTRAINT push_targets_institute_id_user_id_fkey FOREIGN KEY (institute_id, user_id) REFERENCES public.users(institute_id, id);

ALTER TABLE ONLY public.recovery_codes
    ADD CONSTRAINT recovery_codes_institute_id_user_id_fkey FOREIGN KEY (institute_id, user_id) REFERENCES public.second_factors(institute_id, user_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.refresh_tokens
    ADD CONSTRAINT refresh_tokens_institute_id_session_id_fkey FOREIGN KEY (institute_id, session_id) REFERENCES public.sessions(institute_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.rooms
    ADD CONSTRAINT rooms_institute_id_fkey FOREIGN KEY (institute_id) REFERENCES public.institutes(id);

ALTER TABLE ONLY public.second_factors
    ADD CONSTRAINT second_factors_institute_id_user_id_fkey FOREIGN KEY (institute_id, user_id) REFERENCES public.users(institute_id, id);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_institute_id_user_id_fkey FOREIGN KEY (institute_id, user_id) REFERENCES public.users(institute_id, id);

ALTER TABLE ONLY public.students
    ADD CONSTRAINT students_institute_id_user_id_fkey FOREIGN KEY (institute_id, user_id) REFERENCES public.users(institute_id, id);

ALTER TABLE ONLY public.subjects
    ADD CONSTRAINT subjects_institute_id_fkey FOREIGN KEY (institute_id) REFERENCES public.institutes(id);

ALTER TABLE ONLY public.teachers
    ADD CONSTRAINT teachers_institute_id_user_id_fkey FOREIGN KEY (institute_id, user_id) REFERENCES public.users(institute_id, id);

ALTER TABLE ONLY public.timetable_slots
    ADD CONSTRAINT timetable_slots_institute_id_batch_id_fkey FOREIGN KEY (institute_id, batch_id) REFERENCES public.batches(institute_id, id);

ALTER TABLE ONLY public.timetable_slots
    ADD CONSTRAINT timetable_slots_institute_id_room_id_fkey FOREIGN KEY (institute_id, room_id) REFERENCES public.rooms(institute_id, id);

ALTER TABLE ONLY public.timetable_slots
    ADD CONSTRAINT timetable_slots_institute_id_subject_id_fkey FOREIGN KEY (institute_id, subject_id) REFERENCES public.subjects(institute_id, id);

ALTER TABLE ONLY public.timetable_slots
    ADD CONSTRAINT timetable_slots_institute_id_teacher_id_fkey FOREIGN KEY (institute_id, teacher_id) REFERENCES public.teachers(institute_id, user_id);

ALTER TABLE ONLY public.uploads
    ADD CONSTRAINT uploads_institute_id_uploader_id_fkey FOREIGN KEY (institute_id, uploader_id) REFERENCES public.users(institute_id, id);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_institute_id_fkey FOREIGN KEY (institute_id) REFERENCES public.institutes(id);

ALTER TABLE public.attendance_marks ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.attendance_sent ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.attendance_settings ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.audit_log ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.batch_subjects ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.batches ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.classes ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.dead_addresses ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.deliveries ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.enrolments ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.file_grants ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.file_keys ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.file_usage ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.files ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.holidays ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.idempotency_keys ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.institutes ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.invite_uses ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.invites ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.message_costs ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.notices ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.notification_choices ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.notifications ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.one_time_tokens ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.parent_links ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.passkeys ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.person_keys ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.push_targets ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.recovery_codes ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.refresh_tokens ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.rooms ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.second_factors ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.sessions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.students ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.subjects ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.teachers ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON public.attendance_marks USING ((institute_id = ( SELECT public.tenant() AS tenant))) WITH CHECK ((institute_id = ( SELECT public.tenant() AS tenant)));

CREATE POLICY tenant ON public.attendance_sent USING ((institute_id = ( SELECT public.tenant() AS tenant))) WITH CHECK ((institute_id = ( SELECT public.tenant() AS tenant)));

CREATE POLICY tenant ON public.attendance_settings USING ((institute_id = ( SELECT public.tenant() AS tenant))) WITH CHECK ((institute_id = ( SELECT public.tenant() AS tenant)));

CREATE POLICY tenant ON public.audit_log USING ((institute_id = ( SELECT public.tenant() AS tenant))) WITH CHECK ((institute_id = ( SELECT public.tenant() AS tenant)));

CREATE POLICY tenant ON public.batch_subjects USING ((institute_id = ( SELECT public.tenant() AS tenant))) WITH CHECK ((institute_id = ( SELECT public.tenant() AS tenant)));

CREATE POLICY tenant ON public.batches USING ((institute_id = ( SELECT public.tenant() AS tenant))) WITH CHECK ((institute_id = ( SELECT public.tenant() AS tenant)));

CREATE POLICY tenant ON public.classes USING ((institute_id = ( SELECT public.tenant() AS tenant))) WITH CHECK ((institute_id = ( SELECT public.tenant() AS tenant)));

CREATE POLICY tenant ON public.dead_addresses USING ((institute_id = ( SELECT public.tenant() AS tenant))) WITH CHECK ((institute_id = ( SELECT public.tenant() AS tenant)));

CREATE POLICY tenant ON public.deliveries USING ((institute_id = ( SELECT public.tenant() AS tenant))) WITH CHECK ((institute_id = ( SELECT public.tenant() AS tenant)));

CREATE POLICY tenant ON public.enrolments USING ((institute_id = ( SELECT public.tenant() AS tenant))) WITH CHECK ((institute_id = ( SELECT public.tenant() AS tenant)));

CREATE POLICY tenant ON public.file_grants USING ((institute_id = ( SELECT public.tenant() AS tenant))) WITH CHECK ((institute_id = ( SELECT public.tenant() AS tenant)));

CREATE POLICY tenant ON public.file_keys USING ((institute_id = ( SELECT public.tenant() AS tenant))) WITH CHECK ((institute_id = ( SELECT public.tenant() AS tenant)));

CREATE POLICY tenant ON public.file_usage USING ((institute_id = ( SELECT public.tenant() AS tenant))) WITH CHECK ((institute_id = ( SELECT public.tenant() AS tenant)));

CREATE POLICY tenant ON public.files USING ((institute_id = ( SELECT public.tenant() AS tenant))) WITH CHECK ((institute_id = ( SELECT public.tenant() AS tenant)));

CREATE POLICY tenant ON public.holidays USING ((institute_id = ( SELECT public.tenant() AS tenant))) WITH CHECK ((institute_id = ( SELECT public.tenant() AS tenant)));

CREATE POLICY tenant ON public.idempotency_keys USING ((institute_id = ( SELECT public.tenant() AS tenant))) WITH CHECK ((institute_id = ( SELECT public.tenant() AS tenant)));

CREATE POLICY tenant ON public.institutes USING ((institute_id = ( SELECT public.tenant() AS tenant))) WITH CHECK ((institute_id = ( SELECT public.tenant() AS tenant)));

CREATE POLICY tenant ON public.invite_uses USING ((institute_id = ( SELECT public.tenant() AS tenant))) WITH CHECK ((institute_id = ( SELECT public.tenant() AS tenant)));

CREATE POLICY tenant ON public.invites USING ((institute_id = ( SELECT public.tenant() AS tenant))) WITH CHECK ((institute_id = ( SELECT public.tenant() AS tenant)));

CREATE POLICY tenant ON public.message_costs USING ((institute_id = ( SELECT public.tenant() AS tenant))) WITH CHECK ((institute_id = ( SELECT public.tenant() AS tenant)));

CREATE POLICY tenant ON public.notices USING ((institute_id = ( SELECT public.tenant() AS tenant))) WITH CHECK ((institute_id = ( SELECT public.tenant() AS tenant)));

CREATE POLICY tenant ON public.notification_choices USING ((institute_id = ( SELECT public.tenant() AS tenant))) WITH CHECK ((institute_id = ( SELECT public.tenant() AS tenant)));

CREATE POLICY tenant ON public.notifications USING ((institute_id = ( SELECT public.tenant() AS tenant))) WITH CHECK ((institute_id = ( SELECT public.tenant() AS tenant)));

CREATE POLICY tenant ON public.one_time_tokens USING ((institute_id = ( SELECT public.tenant() AS tenant))) WITH CHECK ((institute_id = ( SELECT public.tenant() AS tenant)));

CREATE POLICY tenant ON public.parent_links USING ((institute_id = ( SELECT public.tenant() AS tenant))) WITH CHECK ((institute_id = ( SELECT public.tenant() AS tenant)));

CREATE POLICY tenant ON public.passkeys USING ((institute_id = ( SELECT public.tenant() AS tenant))) WITH CHECK ((institute_id = ( SELECT public.tenant() AS tenant)));

CREATE POLICY tenant ON public.person_keys USING ((institute_id = ( SELECT public.tenant() AS tenant))) WITH CHECK ((institute_id = ( SELECT public.tenant() AS tenant)));

CREATE POLICY tenant ON public.push_targets USING ((institute_id = ( SELECT public.tenant() AS tenant))) WITH CHECK ((institute_id = ( SELECT public.tenant() AS tenant)));

CREATE POLICY tenant ON public.recovery_codes USING ((institute_id = ( SELECT public.tenant() AS tenant))) WITH CHECK ((institute_id = ( SELECT public.tenant() AS tenant)));

CREATE POLICY tenant ON public.refresh_tokens USING ((institute_id = ( SELECT public.tenant() AS tenant))) WITH CHECK ((institute_id = ( SELECT public.tenant() AS tenant)));

CREATE POLICY tenant ON public.rooms USING ((institute_id = ( SELECT public.tenant() AS tenant))) WITH CHECK ((institute_id = ( SELECT public.tenant() AS tenant)));

CREATE POLICY tenant ON public.second_factors USING ((institute_id = ( SELECT public.tenant() AS tenant))) WITH CHECK ((institute_id = ( SELECT public.tenant() AS tenant)));

CREATE POLICY tenant ON public.sessions USING ((institute_id = ( SELECT public.tenant() AS tenant))) WITH CHECK ((institute_id = ( SELECT public.tenant() AS tenant)));

CREATE POLICY tenant ON public.students USING ((institute_id = ( SELECT public.tenant() AS tenant))) WITH CHECK ((institute_id = ( SELECT public.tenant() AS tenant)));

CREATE POLICY tenant ON public.subjects USING ((institute_id = ( SELECT public.tenant() AS tenant))) WITH CHECK ((institute_id = ( SELECT public.tenant() AS tenant)));

CREATE POLICY tenant ON public.teachers USING ((institute_id = ( SELECT public.tenant() AS tenant))) WITH CHECK ((institute_id = ( SELECT public.tenant() AS tenant)));

CREATE POLICY tenant ON public.timetable_slots USING ((institute_id = ( SELECT public.tenant() AS tenant))) WITH CHECK ((institute_id = ( SELECT public.tenant() AS tenant)));

CREATE POLICY tenant ON public.uploads USING ((institute_id = ( SELECT public.tenant() AS tenant))) WITH CHECK ((institute_id = ( SELECT public.tenant() AS tenant)));

CREATE POLICY tenant ON public.users USING ((institute_id = ( SELECT public.tenant() AS tenant))) WITH CHECK ((institute_id = ( SELECT public.tenant() AS tenant)));

ALTER TABLE public.timetable_slots ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.uploads ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;

GRANT USAGE ON SCHEMA jobs TO kaksha_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.attendance_marks TO kaksha_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.attendance_settings TO kaksha_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.classes TO kaksha_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.enrolments TO kaksha_app;

GRANT SELECT,UPDATE ON TABLE public.institutes TO kaksha_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.batch_subjects TO kaksha_app;

GRANT SELECT,INSERT,DELETE ON TABLE public.parent_links TO kaksha_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.batches TO kaksha_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.timetable_slots TO kaksha_app;

REVOKE ALL ON FUNCTION public.every_institute() FROM PUBLIC;
GRANT ALL ON FUNCTION public.every_institute() TO kaksha_app;

GRANT SELECT ON TABLE public.file_keys TO kaksha_app;

GRANT SELECT,INSERT,DELETE ON TABLE public.files TO kaksha_app;

GRANT SELECT,INSERT,DELETE ON TABLE public.file_grants TO kaksha_app;

REVOKE ALL ON FUNCTION public.find_institute(institute_code text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.find_institute(institute_code text) TO kaksha_app;

REVOKE ALL ON FUNCTION public.find_sign_ins(sign_in_email text, sign_in_phone text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.find_sign_ins(sign_in_email text, sign_in_phone text) TO kaksha_app;

REVOKE ALL ON FUNCTION public.give_file_key() FROM PUBLIC;

GRANT SELECT,INSERT,UPDATE ON TABLE public.rooms TO kaksha_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.subjects TO kaksha_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.users TO kaksha_app;

REVOKE ALL ON FUNCTION public.new_file_key() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.open_to_app(target regclass, rights text) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.search_people(said text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.search_people(said text) TO kaksha_app;

REVOKE ALL ON FUNCTION public.sessions_changed_since(since timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.sessions_changed_since(since timestamp with time zone) TO kaksha_app;

REVOKE ALL ON FUNCTION public.sweep(at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.sweep(at timestamp with time zone) TO kaksha_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE jobs.pgqueuer TO kaksha_app;

GRANT SELECT,USAGE ON SEQUENCE jobs.pgqueuer_id_seq TO kaksha_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE jobs.pgqueuer_log TO kaksha_app;

GRANT SELECT,USAGE ON SEQUENCE jobs.pgqueuer_log_id_seq TO kaksha_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE jobs.pgqueuer_schedules TO kaksha_app;

GRANT SELECT,USAGE ON SEQUENCE jobs.pgqueuer_schedules_id_seq TO kaksha_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE jobs.pgqueuer_statistics TO kaksha_app;

GRANT SELECT,USAGE ON SEQUENCE jobs.pgqueuer_statistics_id_seq TO kaksha_app;

GRANT SELECT,INSERT ON TABLE public.attendance_sent TO kaksha_app;

GRANT SELECT,INSERT ON TABLE public.audit_log TO kaksha_app;

GRANT SELECT,INSERT,DELETE ON TABLE public.dead_addresses TO kaksha_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.deliveries TO kaksha_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.notices TO kaksha_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.notifications TO kaksha_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.push_targets TO kaksha_app;

GRANT SELECT ON TABLE public.delivery_contents TO kaksha_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.file_usage TO kaksha_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.holidays TO kaksha_app;

GRANT SELECT,INSERT,DELETE ON TABLE public.idempotency_keys TO kaksha_app;

GRANT SELECT,INSERT ON TABLE public.invite_uses TO kaksha_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.invites TO kaksha_app;

GRANT SELECT,INSERT ON TABLE public.message_costs TO kaksha_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.notification_choices TO kaksha_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.one_time_tokens TO kaksha_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.passkeys TO kaksha_app;

GRANT SELECT,INSERT,DELETE ON TABLE public.person_keys TO kaksha_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.rate_limits TO kaksha_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.recovery_codes TO kaksha_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.refresh_tokens TO kaksha_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.second_factors TO kaksha_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.sessions TO kaksha_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.sign_in_places TO kaksha_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.students TO kaksha_app;

GRANT SELECT,INSERT,UPDATE ON TABLE public.teachers TO kaksha_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.uploads TO kaksha_app;
