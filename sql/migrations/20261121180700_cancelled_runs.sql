-- migrate:up
-- A run that a person ended is cancelled, also where it is one of its tasks that was marked.
create or replace function aerodag.derive_run_state() returns trigger
language plpgsql
set search_path = ''
as $$
declare
    present aerodag.run;
    culprit aerodag.step;
begin
    if new.name = 'cleanup' then
        return null;
    end if;
    if exists (
        select from aerodag.step as later
        where later.run_id = new.run_id and later.name = new.name and later.map_index = new.map_index
            and later.try_number > new.try_number
    ) then
        return null;
    end if;

    select * into present from aerodag.run where id = new.run_id for no key update;

    if new.state = 'running' then
        if present.state = 'running' then
            return null;
        end if;
        begin
            update aerodag.run
            set state = 'running',
                started_at = coalesce(started_at, new.started_at, clock_timestamp()),
                finished_at = null,
                attempt_at = case when state = 'queued' then attempt_at else clock_timestamp() end,
                failure_code = null, failure_category = null, message = null, advice = null
            where id = new.run_id;
        exception when unique_violation then
            -- Another run of the dataset is active. The record of the step stands; the task itself is told
            -- when it asks to resume the run.
            null;
        end;
        return null;
    end if;

    if present.state in ('queued', 'running') then
        if new.name = 'finish' and new.state = 'succeeded' then
            update aerodag.run
            set state = case
                    when exists (
                        select from aerodag.finding
                        where finding.run_id = new.run_id and finding.severity in ('degraded', 'error')
                    ) then 'degraded'
                    else 'succeeded'
                end,
                finished_at = coalesce(new.finished_at, clock_timestamp()),
                failure_code = null, failure_category = null, message = null, advice = null
            where id = new.run_id;
            return null;
        end if;

        select newest.* into culprit
        from (
            select distinct on (name, map_index) *
            from aerodag.step
            where run_id = new.run_id and name <> 'cleanup'
            order by name, map_index, try_number desc
        ) as newest
        where newest.state in ('running', 'retrying')
            or (newest.state = 'failed' and newest.recorded_at >= present.attempt_at)
        order by newest.state = 'failed', newest.finished_at
        limit 1;

        if culprit.state = 'failed' then
            update aerodag.run
            set state = case culprit.failure_category when 'cancelled' then 'cancelled' else 'failed' end,
                finished_at = coalesce(new.finished_at, clock_timestamp()),
                failure_code = culprit.failure_code,
                failure_category = culprit.failure_category,
                message = culprit.message,
                advice = culprit.advice
            where id = new.run_id;
        end if;
    elsif present.state in ('succeeded', 'degraded') and new.state = 'failed' then
        update aerodag.run
        set state = case new.failure_category when 'cancelled' then 'cancelled' else 'failed' end,
            finished_at = coalesce(new.finished_at, clock_timestamp()),
            failure_code = new.failure_code,
            failure_category = new.failure_category,
            message = new.message,
            advice = new.advice
        where id = new.run_id;
    end if;
    return null;
end
$$;

update aerodag.run set state = 'cancelled' where state = 'failed' and failure_category = 'cancelled';

-- migrate:down
create or replace function aerodag.derive_run_state() returns trigger
language plpgsql
set search_path = ''
as $$
declare
    present aerodag.run;
    culprit aerodag.step;
begin
    if new.name = 'cleanup' then
        return null;
    end if;
    if exists (
        select from aerodag.step as later
        where later.run_id = new.run_id and later.name = new.name and later.map_index = new.map_index
            and later.try_number > new.try_number
    ) then
        return null;
    end if;

    select * into present from aerodag.run where id = new.run_id for no key update;

    if new.state = 'running' then
        if present.state = 'running' then
            return null;
        end if;
        begin
            update aerodag.run
            set state = 'running',
                started_at = coalesce(started_at, new.started_at, clock_timestamp()),
                finished_at = null,
                attempt_at = case when state = 'queued' then attempt_at else clock_timestamp() end,
                failure_code = null, failure_category = null, message = null, advice = null
            where id = new.run_id;
        exception when unique_violation then
            -- Another run of the dataset is active. The record of the step stands; the task itself is told
            -- when it asks to resume the run.
            null;
        end;
        return null;
    end if;

    if present.state in ('queued', 'running') then
        if new.name = 'finish' and new.state = 'succeeded' then
            update aerodag.run
            set state = case
                    when exists (
                        select from aerodag.finding
                        where finding.run_id = new.run_id and finding.severity in ('degraded', 'error')
                    ) then 'degraded'
                    else 'succeeded'
                end,
                finished_at = coalesce(new.finished_at, clock_timestamp()),
                failure_code = null, failure_category = null, message = null, advice = null
            where id = new.run_id;
            return null;
        end if;

        select newest.* into culprit
        from (
            select distinct on (name, map_index) *
            from aerodag.step
            where run_id = new.run_id and name <> 'cleanup'
            order by name, map_index, try_number desc
        ) as newest
        where newest.state in ('running', 'retrying')
            or (newest.state = 'failed' and newest.recorded_at >= present.attempt_at)
        order by newest.state = 'failed', newest.finished_at
        limit 1;

        if culprit.state = 'failed' then
            update aerodag.run
            set state = 'failed',
                finished_at = coalesce(new.finished_at, clock_timestamp()),
                failure_code = culprit.failure_code,
                failure_category = culprit.failure_category,
                message = culprit.message,
                advice = culprit.advice
            where id = new.run_id;
        end if;
    elsif present.state in ('succeeded', 'degraded') and new.state = 'failed' then
        update aerodag.run
        set state = 'failed',
            finished_at = coalesce(new.finished_at, clock_timestamp()),
            failure_code = new.failure_code,
            failure_category = new.failure_category,
            message = new.message,
            advice = new.advice
        where id = new.run_id;
    end if;
    return null;
end
$$;
