-- A dataset's images, each as a GeoJSON feature in text. The codes of RTK are those of DJI's RtkFlag.
select json_build_object(
    'type', 'Feature',
    'id', image.id,
    'geometry', case
        when image.longitude is not null and image.latitude is not null then json_build_object(
            'type', 'Point',
            'coordinates', json_build_array(round(image.longitude::numeric, 7), round(image.latitude::numeric, 7))
        )
    end,
    'properties', json_build_object(
        'id', image.id,
        'name', image.zip_path,
        'status', image.status,
        'reasons', image.reasons,
        'rtk', case
            when image.rtk_flag >= 50 then 'fix'
            when image.rtk_flag >= 32 then 'float'
            when image.rtk_flag = 16 then 'single'
            when image.rtk_flag = 0 then 'none'
        end,
        'captured_at', to_char(image.captured_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'captured_source', image.captured_source,
        'altitude_m', image.altitude,
        'registered', image.registered,
        'photo', %(photos)s::text || image.id
    )
)::text
from aerodag.image
where image.dataset_id = %(dataset_id)s
order by image.captured_at, image.zip_path
