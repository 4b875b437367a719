-- migrate:up
create table aerodag.engine_job (
    id bigint generated always as identity primary key,
    run_id bigint not null references aerodag.run (id) on delete cascade,
    attempt integer not null check (attempt > 0),
    engine text not null,
    job text not null,
    name text not null,
    submitted_at timestamptz not null default clock_timestamp(),
    deadline timestamptz not null,
    rerun_from text,
    watched_at timestamptz,
    lines_shown bigint not null default 0 check (lines_shown >= 0),
    peak_memory_bytes bigint check (peak_memory_bytes >= 0),
    expected_at timestamptz,
    stop_reason text check (stop_reason in ('timeout', 'stalled', 'disk_full', 'cancelled')),
    ended_at timestamptz,
    exit_code integer,
    failure_code text,
    failed_stage text,
    remedy text,
    discarded_at timestamptz,
    unique (run_id, attempt),
    unique (engine, job)
);

comment on table aerodag.engine_job is 'One start of an engine that works outside Airflow: a container, or a task of a node.';
comment on column aerodag.engine_job.attempt is 'The try of the odm task that started it; later tries may take it over.';
comment on column aerodag.engine_job.job is 'Container id, or the node''s task id.';
comment on column aerodag.engine_job.deadline is 'When it is stopped; kept over retries of one attempt of the run.';
comment on column aerodag.engine_job.rerun_from is 'Stage it started from; null where it started from nothing.';
comment on column aerodag.engine_job.watched_at is 'Last look of the trigger.';
comment on column aerodag.engine_job.lines_shown is 'Lines of its output that Airflow''s task log has.';
comment on column aerodag.engine_job.expected_at is 'When it is expected to end, by its progress and by earlier runs.';
comment on column aerodag.engine_job.stop_reason is 'Why this project stopped it, written before it is stopped.';
comment on column aerodag.engine_job.ended_at is 'When its end was judged; failure_code is null where it ended well.';
comment on column aerodag.engine_job.remedy is 'What the next try does differently.';
comment on column aerodag.engine_job.discarded_at is 'When it was removed and verified to be gone.';

create index engine_job_open_idx on aerodag.engine_job (run_id) where discarded_at is null;

grant select, insert, update on aerodag.engine_job to aerodag_worker;
grant select on aerodag.engine_job to aerodag_reader;

alter table aerodag.engine_job enable row level security;
create policy worker_all on aerodag.engine_job to aerodag_worker using (true) with check (true);
create policy reader_by_run on aerodag.engine_job for select to aerodag_reader
    using (exists (select from aerodag.run where run.id = engine_job.run_id));

alter table aerodag.run
    add column gpu text not null default 'auto' check (gpu in ('auto', 'required', 'off')),
    add column resume_from text;

comment on column aerodag.run.gpu is 'Whether the engine shall, must or may not use a GPU.';
comment on column aerodag.run.resume_from is 'Stage of the engine from which a person wants the work done again.';

grant delete on aerodag.engine_stage to aerodag_worker;

-- So that the worker itself can say whether its database is at the newest migration.
grant select on public.schema_migrations to aerodag_worker;

alter table aerodag.artifact drop constraint artifact_kind_check;
alter table aerodag.artifact add constraint artifact_kind_check check (
    kind in ('orthophoto', 'standardised', 'cog', 'thumbnail', 'metadata', 'preflight', 'previews', 'report', 'shots',
             'cameras', 'dsm', 'dtm', 'indices', 'stac', 'engine_log', 'forensics', 'unregistered')
);

-- migrate:down
delete from aerodag.artifact where kind in ('engine_log', 'forensics', 'unregistered');
alter table aerodag.artifact drop constraint artifact_kind_check;
alter table aerodag.artifact add constraint artifact_kind_check check (
    kind in ('orthophoto', 'standardised', 'cog', 'thumbnail', 'metadata', 'preflight', 'previews', 'report', 'shots',
             'cameras', 'dsm', 'dtm', 'indices', 'stac')
);
revoke select on public.schema_migrations from aerodag_worker;
revoke delete on aerodag.engine_stage from aerodag_worker;
alter table aerodag.run drop column gpu cascade, drop column resume_from cascade;
drop table aerodag.engine_job;
