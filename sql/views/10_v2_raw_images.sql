drop view if exists public.v2_raw_images;

create view public.v2_raw_images with (security_invoker = true) as
select
    dataset.id as dataset_id,
    images.count::integer as raw_image_count,
    ceil(dataset.size_bytes / 1e6)::integer as raw_image_size_mb,
    dataset.raw_uri as raw_images_path,
    coalesce(first_image.exif, '{}') as camera_metadata,
    coalesce(images.with_fix, false) as has_rtk_data,
    images.precision_cm as rtk_precision_cm,
    images.quality as rtk_quality_indicator,
    rtk.file_count::integer as rtk_file_count,
    1 as version,
    dataset.created_at
from aerodag.dataset
cross join lateral (
    select
        count(*) as count,
        bool_or(image.rtk_flag >= 50) as with_fix,
        round(
            (percentile_cont(0.5) within group (order by greatest(image.std_e_m, image.std_n_m)) * 100)::numeric, 2
        ) as precision_cm,
        mode() within group (order by image.rtk_flag) as quality
    from aerodag.image
    where image.dataset_id = dataset.id
) as images
cross join lateral (
    select count(*) as file_count from aerodag.rtk_file where rtk_file.dataset_id = dataset.id
) as rtk
left join lateral (
    select image.exif
    from aerodag.image
    where image.dataset_id = dataset.id and image.exif <> '{}'
    order by image.zip_path
    limit 1
) as first_image on true
where dataset.upload_type = 'raw_images_zip' and dataset.raw_uri is not null;

comment on view public.v2_raw_images is 'Platform contract: the uploaded ZIP of images, one row per dataset.';
comment on column public.v2_raw_images.raw_image_size_mb is 'Megabytes of 10^6 bytes, rounded up.';
comment on column public.v2_raw_images.camera_metadata is 'EXIF of the first image that has any.';
comment on column public.v2_raw_images.has_rtk_data is 'At least one image has a fixed solution, its own or by a mark file.';
comment on column public.v2_raw_images.rtk_precision_cm is
    'Median over the images of the larger horizontal standard deviation, centimetres; null where no image tells it.';
comment on column public.v2_raw_images.rtk_quality_indicator is 'Most frequent RTK flag: 50 fix, 34 float, 16 single.';

grant select on public.v2_raw_images to aerodag_worker, aerodag_reader;
