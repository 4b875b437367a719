drop view if exists public.v2_orthos;

create view public.v2_orthos with (security_invoker = true) as
select
    dataset_id,
    regexp_replace(uri, '^.*/', '') as ortho_file_name,
    version,
    created_at,
    case when bbox is not null then format('BOX(%s %s,%s %s)', bbox[1], bbox[2], bbox[3], bbox[4]) end as bbox,
    sha256,
    details as ortho_info,
    duration_s as ortho_upload_runtime,
    ceil(bytes / 1e6)::bigint as ortho_file_size
from aerodag.current_product
where kind = 'orthophoto';

comment on view public.v2_orthos is
    'Platform contract: the current orthophoto of each dataset; archive/ortho_file_name is always the current one.';
comment on column public.v2_orthos.bbox is 'BOX(west south,east north) in degrees WGS84, as PostGIS writes a box2d.';
comment on column public.v2_orthos.ortho_file_size is 'Megabytes of 10^6 bytes, rounded up.';
comment on column public.v2_orthos.ortho_upload_runtime is 'Seconds.';

grant select on public.v2_orthos to aerodag_worker, aerodag_reader;
