select exists (
    select from aerodag.artifact where dataset_id = %(dataset_id)s and kind = 'previews' and removed_at is null
)
