-- Runs that are queued, run, or wait for a person.
select
    case when asked.run_id is null then run.state else 'review' end as state, run.preset, run.engine, count(*) as runs
from aerodag.run
left join aerodag.waiting_review as asked on asked.run_id = run.id
where run.state in ('queued', 'running')
group by 1, 2, 3
