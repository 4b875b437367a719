-- The datasets found within some boxes (a view across the antimeridian is several), with the outlines of what they
-- show; where there is none, the box that they lie in.
select
    found.dataset_id as id,
    dataset.name,
    found.owner,
    found.state,
    found.upload_type,
    found.created_at,
    found.images,
    found.area_m2,
    found.gsd_m * 100 as gsd_cm,
    found.thumbnail_id,
    found.west,
    found.south,
    found.east,
    found.north,
    coalesce(
        orthophoto.footprint,
        jsonb_build_object('type', 'Polygon', 'coordinates', jsonb_build_array(jsonb_build_array(
            jsonb_build_array(found.west, found.south), jsonb_build_array(found.east, found.south),
            jsonb_build_array(found.east, found.north), jsonb_build_array(found.west, found.north),
            jsonb_build_array(found.west, found.south)
        )))
    ) as geometry
from (
    select summary.*
    from aerodag.dataset_summary as summary
    where summary.longitude is not null
        and (%(boxes)s::text[] is null or summary.place && any (%(boxes)s::text[]::box[]))
        and (%(sees_all)s or summary.access <> 'private' or summary.owner = %(viewer)s)
        and (%(state)s::text is null or summary.state = %(state)s)
        and (%(words)s::text[] is null or summary.words like all (%(words)s::text[]))
) as found
join aerodag.dataset on dataset.id = found.dataset_id
left join aerodag.artifact as orthophoto on orthophoto.id = found.orthophoto_id
order by found.created_at desc, found.dataset_id desc
