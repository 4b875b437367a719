update aerodag.run
set exclude_images = exclude_images || array(
    select path from unnest(%(paths)s::text[]) as path where path <> all (exclude_images) order by path
)
where id = %(run_id)s
