drop view if exists aerodag.run_quality cascade;

create view aerodag.run_quality with (security_invoker = true) as
select
    check_result.run_id,
    run.dataset_id,
    check_result.name,
    quality_check.topic,
    quality_check.title,
    check_result.value,
    quality_check.unit,
    check_result.comparison,
    check_result.threshold,
    check_result.upper_threshold,
    check_result.verdict,
    check_result.reason,
    quality_check.description,
    check_result.evaluated_at,
    array_position(
        array['images', 'gps', 'rtk', 'registration', 'geometry', 'products'], quality_check.topic
    ) as place
from aerodag.check_result
join aerodag.run on run.id = check_result.run_id
join aerodag.quality_check on quality_check.name = check_result.name;

comment on view aerodag.run_quality is 'Every run''s verdicts in words: what was measured, what was asked, how it went.';
comment on column aerodag.run_quality.place is 'Order of the topics in the work.';

grant select on aerodag.run_quality to aerodag_worker, aerodag_reader;
