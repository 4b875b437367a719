-- What lies where: files and bytes by storage class, kind and whether they are valid now or an earlier version (of an
-- upload: archived). Read from the totals that the database keeps as files are recorded, for there are too many to add up.
select
    class,
    kind,
    case when is_current then 'current' else 'old' end as version,
    sum(files)::bigint as files,
    sum(bytes)::bigint as bytes,
    pg_size_pretty(sum(bytes)) as size
from (
    select
        case
            when kind in ('raw_images_zip', 'geotiff', 'video') then name
            when kind in ('orthophoto', 'standardised', 'dsm', 'dtm', 'point_cloud', 'mesh') then 'archive'
            when kind = 'cog' and name = 'archive' then 'archive'
            when kind = 'cog' or (kind = 'indices' and name <> '') then 'cogs'
            when kind in ('thumbnail', 'previews') then 'thumbnails'
            when kind in ('metadata', 'indices') then 'metadata'
            when kind = 'stac' then 'stac'
            else 'reports'
        end as class,
        storage_total.*
    from aerodag.storage_total
) as total
group by class, kind, is_current
having sum(files) > 0
order by class, sum(bytes) desc, kind, is_current
