drop view if exists aerodag.waiting_engine cascade;

create view aerodag.waiting_engine with (security_invoker = true) as
select run.id as run_id
from aerodag.run
cross join lateral (
    select step.name, step.state
    from aerodag.step
    where step.run_id = run.id
    order by step.recorded_at desc
    limit 1
) as newest
where run.state = 'running' and newest.name = 'plan_engine' and newest.state = 'succeeded';

comment on view aerodag.waiting_engine is 'Runs whose engine is planned, and has no place yet.';

grant select on aerodag.waiting_engine to aerodag_worker, aerodag_reader;
