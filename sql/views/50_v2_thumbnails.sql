drop view if exists public.v2_thumbnails;

create view public.v2_thumbnails with (security_invoker = true) as
select
    dataset_id,
    bytes as thumbnail_file_size,
    regexp_replace(uri, '^.*/', '') as thumbnail_file_name,
    uri as thumbnail_path,
    version,
    created_at,
    duration_s as thumbnail_processing_runtime
from aerodag.current_product
where kind = 'thumbnail' and name = '';

comment on view public.v2_thumbnails is 'Platform contract: the current thumbnail of each dataset, of the first size and format.';
comment on column public.v2_thumbnails.thumbnail_file_size is 'Bytes, unlike the sizes of the other views.';
comment on column public.v2_thumbnails.thumbnail_processing_runtime is 'Seconds.';

grant select on public.v2_thumbnails to aerodag_worker, aerodag_reader;
