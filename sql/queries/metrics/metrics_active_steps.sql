-- What the active runs are at.
select step.name as step, count(*) as runs
from aerodag.run
join aerodag.step on step.run_id = run.id
where run.state in ('queued', 'running') and step.state = 'running'
group by 1
