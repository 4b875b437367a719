-- Only earlier uploads, so that of two datasets with the same image one is the first; only those its owner may see.
select distinct on (image.zip_path)
    image.zip_path,
    known.zip_path as known_path,
    known.dataset_id as known_dataset_id,
    elsewhere.name as known_dataset
from aerodag.image
join aerodag.dataset on dataset.id = image.dataset_id
join aerodag.image as known on known.sha256 = image.sha256 and known.dataset_id < image.dataset_id
join aerodag.dataset as elsewhere on elsewhere.id = known.dataset_id
where image.dataset_id = %(dataset_id)s
    and elsewhere.archived_at is null
    and (elsewhere.access = 'public' or elsewhere.owner = dataset.owner)
order by image.zip_path, known.dataset_id, known.zip_path
