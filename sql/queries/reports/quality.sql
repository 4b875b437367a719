-- How the runs that were judged in the last %(days)s days fared in each check, and the newest that did not pass.
select
    quality_check.topic,
    judged.name,
    quality_check.threshold,
    judged.runs,
    judged.passed,
    judged.warned,
    judged.failed,
    judged.unknown,
    round(judged.passed::numeric / nullif(judged.runs - judged.unknown, 0), 3) as pass_rate,
    judged.example_run
from (
    select
        name,
        count(*) as runs,
        count(*) filter (where verdict = 'pass') as passed,
        count(*) filter (where verdict = 'warn') as warned,
        count(*) filter (where verdict = 'fail') as failed,
        count(*) filter (where verdict = 'unknown') as unknown,
        max(run_id) filter (where verdict in ('warn', 'fail')) as example_run
    from aerodag.check_result
    where evaluated_at >= now() - make_interval(days => %(days)s)
    group by name
) as judged
join aerodag.quality_check on quality_check.name = judged.name
order by
    array_position(array['images', 'gps', 'rtk', 'registration', 'geometry', 'products'], quality_check.topic),
    judged.name
