-- migrate:up
-- A dataset whose next run waits for its turn is told as waiting, and no longer by how its last run ended.
create or replace function aerodag.summary_of(wanted bigint) returns setof aerodag.dataset_summary
language sql
stable
set search_path = ''
as $$
    select
        dataset.id, dataset.created_at, taken.images, taken.used,
        case when orthophoto.id is null then taken.west else orthophoto.bbox[1] end,
        case when orthophoto.id is null then taken.south else orthophoto.bbox[2] end,
        case
            when orthophoto.id is null then taken.east
            when orthophoto.bbox[3] < orthophoto.bbox[1] then orthophoto.bbox[3] + 360
            else orthophoto.bbox[3]
        end,
        case when orthophoto.id is null then taken.north else orthophoto.bbox[4] end,
        null::double precision, null::double precision,
        case
            when newest.state in ('queued', 'running') then newest.state
            when exists (
                select from aerodag.start_request
                where start_request.dataset_id = dataset.id
                    and not exists (select from aerodag.run where run.dag_run_id = start_request.dag_run_id)
            ) then 'waiting'
            when dataset.quarantined_at is not null and coalesce(newest.state, 'failed') in ('failed', 'cancelled')
                then 'quarantined'
            else coalesce(newest.state, 'waiting')
        end,
        dataset.access, dataset.owner, dataset.upload_type,
        lower(concat_ws(' ', dataset.id, dataset.name, dataset.owner, dataset.project)),
        newest.id,
        (orthophoto.details -> 'raster' ->> 'valid_area_m2')::double precision, orthophoto.gsd_m, taken.fix_share,
        orthophoto.id, thumbnail.id,
        null::box, null::xid8
    from aerodag.dataset
    left join lateral (
        select run.id, run.state
        from aerodag.run
        where run.dataset_id = dataset.id
        order by run.attempt_at desc, run.id desc
        limit 1
    ) as newest on true
    cross join lateral (
        select
            count(*)::integer as images,
            (count(*) filter (where image.status = 'assigned'))::integer as used,
            case
                when count(image.rtk_flag) > 0
                    then (count(*) filter (where image.rtk_flag >= 50))::double precision / count(*)
            end as fix_share,
            -- Farther apart than half the Earth they lie on both sides of the antimeridian.
            case
                when max(image.longitude) - min(image.longitude) > 180
                    then min(image.longitude) filter (where image.longitude > 0)
                else min(image.longitude)
            end as west,
            min(image.latitude) as south,
            case
                when max(image.longitude) - min(image.longitude) > 180
                    then max(image.longitude) filter (where image.longitude <= 0) + 360
                else max(image.longitude)
            end as east,
            max(image.latitude) as north
        from (
            select
                status, rtk_flag,
                case when status = 'assigned' then longitude end as longitude,
                case when status = 'assigned' and longitude is not null then latitude end as latitude
            from aerodag.image
            where image.dataset_id = dataset.id
        ) as image
    ) as taken
    left join aerodag.artifact as orthophoto
        on orthophoto.dataset_id = dataset.id
        and orthophoto.kind = 'orthophoto'
        and orthophoto.name = ''
        and orthophoto.is_current
        and orthophoto.bbox is not null
    left join aerodag.artifact as thumbnail
        on thumbnail.dataset_id = dataset.id
        and thumbnail.kind = 'thumbnail'
        and thumbnail.name = ''
        and thumbnail.is_current
        and thumbnail.removed_at is null
    where dataset.id = wanted and dataset.archived_at is null
$$;

create constraint trigger keep_summary
    after insert or delete on aerodag.start_request
    deferrable initially deferred
    for each row execute function aerodag.keep_summary();

comment on column aerodag.dataset_summary.state is
    'Of the newest run if that is under way; waiting where the first or a further run waits for its turn; quarantined '
    'where the upload lies in quarantine and no run of it went well; otherwise how the newest run ended.';

select aerodag.summarise_all();

-- migrate:down
drop trigger keep_summary on aerodag.start_request;
create or replace function aerodag.summary_of(wanted bigint) returns setof aerodag.dataset_summary
language sql
stable
set search_path = ''
as $$
    select
        dataset.id, dataset.created_at, taken.images, taken.used,
        case when orthophoto.id is null then taken.west else orthophoto.bbox[1] end,
        case when orthophoto.id is null then taken.south else orthophoto.bbox[2] end,
        case
            when orthophoto.id is null then taken.east
            when orthophoto.bbox[3] < orthophoto.bbox[1] then orthophoto.bbox[3] + 360
            else orthophoto.bbox[3]
        end,
        case when orthophoto.id is null then taken.north else orthophoto.bbox[4] end,
        null::double precision, null::double precision,
        case
            when dataset.quarantined_at is not null and coalesce(newest.state, 'failed') in ('failed', 'cancelled')
                then 'quarantined'
            else coalesce(newest.state, 'waiting')
        end,
        dataset.access, dataset.owner, dataset.upload_type,
        lower(concat_ws(' ', dataset.id, dataset.name, dataset.owner, dataset.project)),
        newest.id,
        (orthophoto.details -> 'raster' ->> 'valid_area_m2')::double precision, orthophoto.gsd_m, taken.fix_share,
        orthophoto.id, thumbnail.id,
        null::box, null::xid8
    from aerodag.dataset
    left join lateral (
        select run.id, run.state
        from aerodag.run
        where run.dataset_id = dataset.id
        order by run.attempt_at desc, run.id desc
        limit 1
    ) as newest on true
    cross join lateral (
        select
            count(*)::integer as images,
            (count(*) filter (where image.status = 'assigned'))::integer as used,
            case
                when count(image.rtk_flag) > 0
                    then (count(*) filter (where image.rtk_flag >= 50))::double precision / count(*)
            end as fix_share,
            -- Farther apart than half the Earth they lie on both sides of the antimeridian.
            case
                when max(image.longitude) - min(image.longitude) > 180
                    then min(image.longitude) filter (where image.longitude > 0)
                else min(image.longitude)
            end as west,
            min(image.latitude) as south,
            case
                when max(image.longitude) - min(image.longitude) > 180
                    then max(image.longitude) filter (where image.longitude <= 0) + 360
                else max(image.longitude)
            end as east,
            max(image.latitude) as north
        from (
            select
                status, rtk_flag,
                case when status = 'assigned' then longitude end as longitude,
                case when status = 'assigned' and longitude is not null then latitude end as latitude
            from aerodag.image
            where image.dataset_id = dataset.id
        ) as image
    ) as taken
    left join aerodag.artifact as orthophoto
        on orthophoto.dataset_id = dataset.id
        and orthophoto.kind = 'orthophoto'
        and orthophoto.name = ''
        and orthophoto.is_current
        and orthophoto.bbox is not null
    left join aerodag.artifact as thumbnail
        on thumbnail.dataset_id = dataset.id
        and thumbnail.kind = 'thumbnail'
        and thumbnail.name = ''
        and thumbnail.is_current
        and thumbnail.removed_at is null
    where dataset.id = wanted and dataset.archived_at is null
$$;

comment on column aerodag.dataset_summary.state is
    'Of the newest run; waiting before there is one; quarantined where the upload lies in quarantine and no run of it '
    'works or went well.';

select aerodag.summarise_all();
