-- Try 0: no task was started for them. What a person has run since is left as it is.
insert into aerodag.step (run_id, name, try_number, state, started_at, finished_at, metrics)
select %(run_id)s, skipped.name, 0, 'skipped', now(), now(), jsonb_build_object('reason', skipped.reason)
from jsonb_each_text(%(reasons)s) as skipped (name, reason)
on conflict (run_id, name, map_index, try_number) do nothing
