-- An image of a dataset that the viewer sees, and the newest file of small pictures; a run that waits for its review
-- has pictures that are not valid for the dataset yet.
select
    image.zip_path,
    dataset.raw_uri,
    dataset.size_bytes,
    dataset.owner,
    dataset.access,
    previews.id as previews_id
from aerodag.image
join aerodag.dataset on dataset.id = image.dataset_id
left join lateral (
    select artifact.id
    from aerodag.artifact
    where artifact.dataset_id = dataset.id and artifact.kind = 'previews' and artifact.removed_at is null
    order by artifact.run_id desc
    limit 1
) as previews on true
where image.dataset_id = %(dataset_id)s
    and image.id = %(image_id)s
    and (%(sees_all)s or dataset.access <> 'private' or dataset.owner = %(viewer)s)
