-- What the newest successful tries of the engine took, for predictions; one that found its work done, or some of it,
-- teaches nothing. A job that was taken over lasted longer than the try that saw its end.
select
    run.engine,
    run.preset,
    (step.metrics ->> 'images')::integer as images,
    (step.metrics ->> 'megapixels_per_image')::double precision as megapixels,
    (step.metrics ->> 'peak_rss_bytes')::bigint as peak_rss_bytes,
    coalesce((step.metrics ->> 'waited_s')::double precision, step.duration_s) as seconds,
    (step.metrics ->> 'work_bytes')::bigint as disk_bytes,
    (step.metrics ->> 'input_bytes')::bigint as input_bytes,
    (step.metrics ->> 'cores')::integer as cores,
    step.metrics ->> 'host' as host
from aerodag.step
join aerodag.run on run.id = step.run_id
where step.name = 'odm'
    and step.state = 'succeeded'
    and step.metrics ?& array['images', 'megapixels_per_image']
    and step.metrics ->> 'reused' is null
    and step.metrics ->> 'rerun_from' is null
order by step.finished_at desc
limit 200
