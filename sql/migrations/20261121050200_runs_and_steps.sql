-- migrate:up
create table aerodag.run (
    id bigint generated always as identity primary key,
    dataset_id bigint not null references aerodag.dataset (id) on delete cascade,
    dag_run_id text not null unique,
    task_types text[] not null,
    preset text not null,
    options jsonb not null default '{}',
    engine text not null,
    engine_digest text,
    plan jsonb,
    priority smallint not null default 2 check (priority between 1 and 5),
    state text not null default 'queued'
        check (state in ('queued', 'running', 'succeeded', 'degraded', 'failed', 'cancelled')),
    created_at timestamptz not null default clock_timestamp(),
    attempt_at timestamptz not null default clock_timestamp(),
    started_at timestamptz,
    finished_at timestamptz,
    failure_code text,
    failure_category text
        check (failure_category in ('data', 'config', 'engine', 'resources', 'infrastructure', 'cancelled')),
    message text,
    advice text,
    unique (id, dataset_id)
);

create unique index run_one_active_key on aerodag.run (dataset_id) where state in ('queued', 'running');
create index run_newest_idx on aerodag.run (dataset_id, attempt_at desc, id desc);

comment on table aerodag.run is 'One DAG run of one dataset. Its state is derived from its steps.';
comment on column aerodag.run.dag_run_id is 'Airflow''s run id; the same id again is the same run, resumed.';
comment on column aerodag.run.task_types is 'What was asked for: odm_processing, geotiff, cog, thumbnail, metadata ...';
comment on column aerodag.run.engine_digest is 'Digest of the container image or version of the engine that ran.';
comment on column aerodag.run.attempt_at is
    'When the present attempt began: opened, or resumed after an end. The dataset''s newest run is the one with the latest attempt.';

create table aerodag.step (
    run_id bigint not null references aerodag.run (id) on delete cascade,
    name text not null,
    map_index integer not null default -1,
    try_number integer not null check (try_number >= 0),
    state text not null check (state in ('running', 'succeeded', 'failed', 'retrying', 'skipped')),
    host text,
    started_at timestamptz,
    finished_at timestamptz,
    duration_s double precision
        generated always as (extract(epoch from finished_at - started_at)::double precision) stored,
    metrics jsonb not null default '{}',
    failure_code text,
    failure_category text
        check (failure_category in ('data', 'config', 'engine', 'resources', 'infrastructure', 'cancelled')),
    message text,
    advice text,
    recorded_at timestamptz not null default clock_timestamp(),
    primary key (run_id, name, map_index, try_number)
);

comment on table aerodag.step is 'One try of one task of a run; tries are added, never replaced.';
comment on column aerodag.step.map_index is '-1 where the task is not mapped.';
comment on column aerodag.step.state is 'retrying: this try failed and Airflow will start another.';
comment on column aerodag.step.started_at is 'By the clock of the worker, as finished_at.';
comment on column aerodag.step.recorded_at is 'When the row was last written, by the clock of the database.';
comment on column aerodag.step.metrics is 'Figures of the step by name: bytes, images, peak_rss_bytes, gpu_used ...';

-- migrate:down
drop table aerodag.step cascade;
drop table aerodag.run cascade;
