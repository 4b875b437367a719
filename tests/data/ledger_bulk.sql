-- A ledger as it is after a year of work. Each statement begins with its name; %(datasets)s datasets, of which the
-- first %(begun)s have a run and the first %(worked)s are done.

-- name: datasets
insert into aerodag.dataset (
    id, name, owner, source_uri, raw_uri, content_sha256, size_bytes, upload_type, captured_from, captured_to,
    captured_source, access, priority, created_at, quarantined_at, archived_at
) overriding system value
select
    n, 'survey_' || n || '.zip', 'owner_' || n %% 50, 'file:///incoming/survey_' || n || '.zip',
    'file:///data/raw_images/' || n || '/survey_' || n || '.zip', md5(n::text) || md5('content' || n),
    1000000000 + (n * 7919 %% 1000) * 1000000, 'raw_images_zip', born - interval '2 days', born - interval '47 hours',
    'exif_local', (array['public', 'public', 'private', 'viewonly'])[1 + n %% 4], 1 + n %% 5, born,
    case when n %% 100 = 7 and n <= %(worked)s then born end, case when n %% 100 = 13 and n <= %(worked)s then now() end
from generate_series(1, %(datasets)s::integer) as n
cross join lateral (select now() - (%(datasets)s - n) * interval '365 days' / %(datasets)s as born) as birth;

-- name: images
-- Every hundredth dataset holds the images of the one fifty before it.
insert into aerodag.image (
    dataset_id, zip_path, engine_name, sha256, size_bytes, width, height, make, model, captured_at, captured_source,
    longitude, latitude, altitude, position_source, relative_altitude, pitch, rtk_flag, std_e_m, std_n_m, std_u_m,
    sharpness, gsd_cm, status, reasons, flight, registered, exif
)
select
    d, 'DCIM/DJI_' || lpad(n::text, 4, '0') || '.JPG', 'DJI_' || lpad(n::text, 4, '0') || '.JPG',
    md5(content || '/' || n) || md5(n || '/' || content), 8000000 + n, 5472, 3648, 'DJI', 'FC6310R',
    now() - n * interval '2 seconds', 'exif_local', (d %% 3600) / 10.0 - 180 + n * 1e-5, (d %% 1200) / 10.0 - 60,
    120 + n %% 3, 'xmp', 80, -90, case when d %% 5 = 0 then 50 end, 0.012, 0.013, 0.03, 400, 2.1,
    case when n %% 12 = 0 then 'rejected' else 'assigned' end,
    case when n %% 12 = 0 then array['image.blurred'] else '{}' end,
    1, case when n %% 12 > 0 then n %% 50 > 0 end, '{"Make": "DJI", "Model": "FC6310R", "Orientation": 1}'
from generate_series(%(first)s::integer, %(last)s::integer) as d
cross join generate_series(1, %(images)s::integer) as n
cross join lateral (select case when d %% 100 = 0 then d - 50 else d end as content) as source;

-- name: runs
-- A tenth of the datasets was processed twice; the last ones are at work or wait.
insert into aerodag.run (
    id, dataset_id, dag_run_id, task_types, preset, engine, plan, preflight, priority, state, created_at, attempt_at,
    started_at, finished_at, failure_code, failure_category, message, advice
) overriding system value
select
    row_number() over (order by begun), n, 'scheduled__' || n || '_' || again,
    array['odm_processing', 'geotiff', 'cog', 'thumbnail', 'metadata'], preset, 'odm',
    jsonb_build_object(
        'preset', preset, 'options', jsonb_build_object('orthophoto-resolution', 3, 'feature-quality', 'high'),
        'gpu', jsonb_build_object('mode', 'auto', 'granted', n %% 2 = 0, 'devices', '[{"name": "L4"}]'::jsonb),
        'note', repeat('The plan of this survey in words. ', 10)
    ),
    jsonb_build_object(
        'images', '{"assigned": 92, "rejected": 8}'::jsonb,
        'coverage', '{"area_m2": 120000, "forward_overlap": 0.8, "side_overlap": 0.7, "gap_area_m2": 100}'::jsonb,
        'photos', (select jsonb_agg(md5(n::text || p)) from generate_series(1, 20) as p)
    ),
    1 + n %% 5, state, begun, begun, case when state <> 'queued' then begun + interval '1 minute' end,
    case when state not in ('queued', 'running') then begun + (1 + (n * 31 %% 100) / 25.0) * interval '1 hour' end,
    case when state = 'failed' then 'engine.failure_' || n * 13 %% 20 end,
    case when state = 'failed' then (array['engine', 'data', 'resources', 'infrastructure'])[1 + n %% 4] end,
    case when state = 'failed' then 'The engine ended with exit code 1 after stage ' || n %% 11 || '.' end,
    case when state = 'failed' then 'Look at the log of the engine; a smaller preset may pass.' end
from (
    select
        dataset.id as n, again, (array['standard', 'fast', 'dem', 'forest', 'draft'])[1 + (dataset.id + again) %% 5] as preset,
        case
            when dataset.id > %(worked)s then case when dataset.id %% 5 = 0 then 'queued' else 'running' end
            when dataset.id * 17 %% 100 < 80 then 'succeeded'
            when dataset.id * 17 %% 100 < 88 then 'degraded'
            when dataset.id * 17 %% 100 < 98 then 'failed'
            else 'cancelled'
        end as state,
        dataset.created_at + again * interval '10 days' + interval '5 minutes' as begun
    from aerodag.dataset
    cross join generate_series(0, 1) as again
    where dataset.id <= %(begun)s and (again = 0 or (dataset.id %% 10 = 0 and dataset.id <= %(worked)s * 0.9))
) as made;

-- name: steps
insert into aerodag.step (
    run_id, name, try_number, state, host, started_at, finished_at, metrics, failure_code, recorded_at
)
select
    run.id, step.name, 1,
    case
        when step.place < span.steps or run.state in ('succeeded', 'degraded') then 'succeeded'
        when run.state = 'running' then 'running'
        else 'failed'
    end,
    'worker-' || run.id %% 4, begun, case when run.state <> 'running' or step.place < span.steps then begun + length end,
    case
        when step.name = 'odm' then
            '{"images": 92, "megapixels_per_image": 20.0, "input_bytes": 736000000, "work_bytes": 9000000000, "registered": 90,
              "unregistered": 2, "gsd_cm": 2.9, "peak_rss_bytes": 12000000000, "cores": 8, "host": "gpu-1"}'::jsonb
        else '{"bytes": 1234567}'
    end,
    case when run.state = 'failed' and step.place = span.steps then run.failure_code end,
    coalesce(run.finished_at, begun)
from aerodag.run
cross join lateral (
    select case when run.state in ('succeeded', 'degraded') then 15 else 7 end as steps
) as span
join (
    select name, place from unnest(array[
        'stage', 'validate', 'extract_metadata', 'assess_images', 'preflight', 'plan_engine', 'odm', 'publish_ortho',
        'standardise', 'cog', 'thumbnail', 'metadata', 'finish', 'stac', 'cleanup'
    ]) with ordinality as listed (name, place)
) as step on step.place <= span.steps
cross join lateral (
    select
        run.started_at + step.place * interval '1 minute' as begun,
        case when step.name = 'odm' then interval '1 hour' else interval '20 seconds' end * (1 + (run.id * 31 %% 97) / 50.0) as length
) as time
where run.state <> 'queued';

-- name: stages
insert into aerodag.engine_stage (run_id, stage, percent, started_at, finished_at)
select
    run.id, stage.name, stage.place * 9, run.started_at + stage.place * interval '6 minutes',
    case
        when run.state <> 'running' or stage.place < 5
            then run.started_at + (stage.place + 0.5 + (run.id %% 40) / 100.0) * interval '6 minutes'
    end
from aerodag.run
join (
    select name, place from unnest(array[
        'dataset', 'split', 'merge', 'opensfm', 'openmvs', 'odm_filterpoints', 'odm_meshing', 'mvs_texturing',
        'odm_georeferencing', 'odm_dem', 'odm_orthophoto'
    ]) with ordinality as listed (name, place)
) as stage on stage.place <= 5 or run.state <> 'running'
where run.state <> 'queued';

-- name: jobs
insert into aerodag.engine_job (
    run_id, attempt, engine, job, name, submitted_at, deadline, watched_at, expected_at, ended_at, exit_code, failure_code,
    discarded_at
)
select
    id, 1, 'odm', md5(id::text), 'aerodag-' || id, started_at + interval '8 minutes', started_at + interval '1 day',
    case when state = 'running' then now() - (id %% 7) * interval '1 hour' end,
    case when state = 'running' then now() + interval '2 hours' end, finished_at,
    case when finished_at is not null then 0 end, failure_code, finished_at
from aerodag.run
where state <> 'queued';

-- name: artifacts
insert into aerodag.artifact (
    run_id, dataset_id, kind, name, uri, bytes, sha256, crs, bbox, footprint, gsd_m, details, is_current, created_at
)
select
    run.id, run.dataset_id, product.kind, product.name,
    'file:///data/' || product.kind || '/' || run.dataset_id || '_' || run.id || product.name, product.bytes + run.id,
    md5(run.id || product.kind) || md5(product.name || run.id), 'EPSG:32632',
    array[west, south, west + 0.002, south + 0.002],
    jsonb_build_object('type', 'Polygon', 'coordinates', jsonb_build_array(jsonb_build_array(
        jsonb_build_array(west, south), jsonb_build_array(west + 0.002, south), jsonb_build_array(west + 0.002, south + 0.002),
        jsonb_build_array(west, south + 0.002), jsonb_build_array(west, south)
    ))),
    0.03, '{"profile": "web", "raster": {"width": 12000, "height": 11000, "valid_ratio": 0.6, "valid_area_m2": 119000}}',
    not exists (select from aerodag.run as newer where newer.dataset_id = run.dataset_id and newer.id > run.id
        and newer.state in ('succeeded', 'degraded')),
    run.finished_at
from aerodag.run
cross join lateral (
    select (run.dataset_id %% 3600) / 10.0 - 180 as west, (run.dataset_id %% 1200) / 10.0 - 60 as south
) as place
cross join (
    values
        ('orthophoto', '', 300000000), ('standardised', '', 250000000), ('cog', '', 90000000), ('cog', 'archive', 300000000),
        ('thumbnail', '', 40000), ('metadata', '', 9000), ('preflight', '', 200000), ('previews', '', 900000),
        ('stac', '', 7000), ('engine_log', '', 300000)
) as product (kind, name, bytes)
where run.state in ('succeeded', 'degraded');

-- name: findings
insert into aerodag.finding (run_id, severity, code, image, message, advice, numbers, step)
select
    run.id, case when run.state = 'degraded' and n = 1 then 'degraded' else 'warning' end, 'image.blurred',
    'DCIM/DJI_' || lpad((n * 12)::text, 4, '0') || '.JPG', 'The picture is blurred.', 'Fly slower.', '{"sharpness": 40}',
    'assess_images'
from aerodag.run
cross join generate_series(1, 5) as n;

-- name: events
insert into aerodag.event (dataset_id, run_id, kind, message, created_at)
select run.dataset_id, run.id, 'run.note', 'Something worth telling, number ' || n, run.created_at + n * interval '1 minute'
from aerodag.run
cross join generate_series(1, 5) as n
where run.state <> 'queued' or n = 1;

-- name: results
insert into aerodag.check_result (run_id, name, value, comparison, threshold, upper_threshold, verdict, evaluated_at)
select
    run.id, quality_check.name, 0.9, comparison, threshold, upper_threshold,
    case when (run.id * 7 + length(quality_check.name)) %% 10 = 0 then quality_check.severity else 'pass' end, run.finished_at
from aerodag.run
cross join aerodag.quality_check
where run.state in ('succeeded', 'degraded');

-- name: first_runs
-- What a trigger keeps while the ledger is used.
update aerodag.dataset set first_run_at = run.created_at
from aerodag.run where run.dataset_id = dataset.id and dataset.first_run_at is null;

-- name: storage_totals
-- What a trigger keeps while the ledger is used.
insert into aerodag.storage_total (kind, name, is_current, files, bytes)
select kind, name, is_current, count(*), sum(bytes) from aerodag.artifact group by kind, name, is_current
union all
select
    upload_type, case when quarantined_at is not null then 'quarantine' else 'raw_images' end, archived_at is null, count(*),
    sum(size_bytes)
from aerodag.dataset
group by 1, 2, 3;

-- name: summaries
-- What triggers keep while the ledger is used.
select aerodag.summarise_all();

-- name: ending_totals
-- What a trigger keeps while the ledger is used.
insert into aerodag.ending_total (state, preset, engine, code, category, runs, images, gpu_seconds)
select state, preset, engine, coalesce(failure_code, ''), coalesce(failure_category, ''), count(*), count(*) * 92, count(*) * 3600
from aerodag.run
where state not in ('queued', 'running')
group by 1, 2, 3, 4, 5;

-- name: duration_totals
-- What a trigger keeps while the ledger is used; the numbers do not matter.
insert into aerodag.duration_total (kind, name, engine, outcome, bound, times, seconds)
select
    known.*, bound, %(worked)s * least(bound, 7200) / 7200, %(worked)s * least(bound, 7200) / 2
from (
    select distinct 'run', preset, engine, state from aerodag.run where state not in ('queued', 'running')
    union
    select distinct 'step', step.name, '', outcome
    from (select distinct name from aerodag.step where run_id < 1000) as step
    cross join unnest(array['succeeded', 'failed', 'retrying']) as outcome
    union
    select distinct 'stage', stage, 'odm', '' from aerodag.engine_stage where run_id < 1000
) as known
cross join unnest(aerodag.duration_bounds()) as bound;

-- name: sequences
select
    setval(pg_get_serial_sequence('aerodag.dataset', 'id'), (select max(id) from aerodag.dataset)),
    setval(pg_get_serial_sequence('aerodag.run', 'id'), (select max(id) from aerodag.run));
