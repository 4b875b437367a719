update aerodag.image
set status = 'rejected',
    reasons = array_append(array_remove(reasons, %(reason)s::text), %(reason)s::text)
where dataset_id = %(dataset_id)s and status = 'assigned' and zip_path = any (%(paths)s::text[])
