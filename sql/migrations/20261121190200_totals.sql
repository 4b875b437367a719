-- migrate:up
-- Figures for monitoring that only ever grow. Counting rows would not do: a run that is resumed leaves the state that it
-- had ended in, and a count that falls is taken for a restart. Nothing is filled in for what ended before.
create function aerodag.duration_bounds() returns double precision[]
language sql immutable
set search_path = ''
return array[1, 5, 15, 60, 300, 900, 1800, 3600, 7200, 14400, 28800, 57600, 86400, float8 'infinity'];

comment on function aerodag.duration_bounds() is 'Upper bounds of the classes that durations are counted in, seconds.';

create table aerodag.ending_total (
    state text not null,
    preset text not null,
    engine text not null,
    code text not null,
    category text not null,
    runs bigint not null,
    images bigint not null,
    gpu_seconds double precision not null,
    primary key (state, preset, engine, code, category)
);

comment on table aerodag.ending_total is
    'How often runs ended and how, with what went into them; one that is resumed and ends again counts again.';
comment on column aerodag.ending_total.code is 'What it failed of; empty where it did not.';
comment on column aerodag.ending_total.images is 'Images that the engine made an orthophoto of.';
comment on column aerodag.ending_total.gpu_seconds is 'Time that engine jobs had GPUs, times their number.';

create table aerodag.duration_total (
    kind text not null check (kind in ('run', 'step', 'stage')),
    name text not null,
    engine text not null,
    outcome text not null,
    bound double precision not null,
    times bigint not null,
    seconds double precision not null,
    primary key (kind, name, engine, outcome, bound)
);

comment on table aerodag.duration_total is
    'How long runs took, tries of steps, and stages of the engine; counted when the run ends.';
comment on column aerodag.duration_total.name is 'Preset of the run, step, or stage.';
comment on column aerodag.duration_total.engine is 'Empty for a step.';
comment on column aerodag.duration_total.outcome is 'State that the run or the try ended in; empty for a stage.';
comment on column aerodag.duration_total.bound is
    'One of duration_bounds(); the row is about all that took no longer.';

create function aerodag.add_ending() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    -- Writers meet in these few rows as in those of storage_total, and behind the same lock: whoever has it waits for
    -- nobody.
    perform pg_advisory_xact_lock(hashtext('aerodag.storage_total'));

    insert into aerodag.ending_total as present (state, preset, engine, code, category, runs, images, gpu_seconds)
    values (
        new.state, new.preset, new.engine, coalesce(new.failure_code, ''), coalesce(new.failure_category, ''), 1,
        (
            select coalesce(sum((step.metrics ->> 'images')::numeric), 0)
            from aerodag.step
            where step.run_id = new.id
                and step.name = 'odm'
                and step.state = 'succeeded'
                and step.recorded_at >= new.attempt_at
                and jsonb_typeof(step.metrics -> 'images') = 'number'
                and step.metrics ->> 'reused' is null
        ),
        (
            select coalesce(sum(
                extract(epoch from greatest(coalesce(job.ended_at, job.discarded_at, clock_timestamp()) - job.submitted_at, '0'))
                * case
                    when jsonb_typeof(new.plan #> '{gpu,devices}') = 'array'
                        then greatest(jsonb_array_length(new.plan #> '{gpu,devices}'), 1)
                    else 1
                end
            ), 0)
            from (
                select
                    engine_job.*,
                    -- After such a failure the plan goes without.
                    max(attempt) filter (where failure_code like 'engine.gpu%') over () as last_gpu_failure
                from aerodag.engine_job
                where engine_job.run_id = new.id and engine_job.submitted_at >= new.attempt_at
            ) as job
            where new.plan #> '{gpu,granted}' = 'true' or job.attempt <= job.last_gpu_failure
        )
    )
    on conflict (state, preset, engine, code, category) do update set
        runs = present.runs + excluded.runs,
        images = present.images + excluded.images,
        gpu_seconds = present.gpu_seconds + excluded.gpu_seconds;

    insert into aerodag.duration_total as present (kind, name, engine, outcome, bound, times, seconds)
    select
        taken.kind, taken.name, taken.engine, taken.outcome, bound,
        count(*) filter (where taken.seconds <= bound),
        coalesce(sum(taken.seconds) filter (where taken.seconds <= bound), 0)
    from (
        select
            'run' as kind, new.preset as name, new.engine, new.state as outcome,
            extract(epoch from new.finished_at - new.attempt_at)::double precision as seconds
        union all
        select 'step', step.name, '', step.state, step.duration_s
        from aerodag.step
        where step.run_id = new.id
            and step.state in ('succeeded', 'failed', 'retrying')
            and step.recorded_at >= new.attempt_at
        union all
        select
            'stage', engine_stage.stage, new.engine, '',
            extract(epoch from engine_stage.finished_at - engine_stage.started_at)::double precision
        from aerodag.engine_stage
        where engine_stage.run_id = new.id and engine_stage.started_at >= new.attempt_at
    ) as taken
    cross join unnest(aerodag.duration_bounds()) as bound
    where taken.seconds >= 0
    group by taken.kind, taken.name, taken.engine, taken.outcome, bound
    on conflict (kind, name, engine, outcome, bound) do update set
        times = present.times + excluded.times,
        seconds = present.seconds + excluded.seconds;
    return null;
end
$$;

comment on function aerodag.add_ending() is
    'Adds an attempt that has ended to the totals, with its steps up to now: cleanup comes after the end.';

revoke execute on function aerodag.add_ending(), aerodag.duration_bounds() from public;
grant execute on function aerodag.duration_bounds() to aerodag_worker;

create constraint trigger add_ending
    after update of state on aerodag.run
    deferrable initially deferred
    for each row
    when (old.state in ('queued', 'running') and new.state in ('succeeded', 'degraded', 'failed', 'cancelled'))
    execute function aerodag.add_ending();

-- Not the reader: these totals are over everybody's datasets.
grant select on aerodag.ending_total, aerodag.duration_total to aerodag_worker;

alter table aerodag.ending_total enable row level security;
alter table aerodag.duration_total enable row level security;
create policy worker_all on aerodag.ending_total for select to aerodag_worker using (true);
create policy worker_all on aerodag.duration_total for select to aerodag_worker using (true);

-- What monitoring looks at every few seconds.
create index outbox_failed_idx on aerodag.outbox (id) where state = 'failed';
create index start_request_waiting_idx on aerodag.start_request (created_at) where asked_at is null;

-- migrate:down
drop index aerodag.start_request_waiting_idx;
drop index aerodag.outbox_failed_idx;
drop trigger add_ending on aerodag.run;
drop function aerodag.add_ending();
drop table aerodag.duration_total;
drop table aerodag.ending_total;
drop function aerodag.duration_bounds();
