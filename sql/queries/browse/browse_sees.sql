-- Whether there is such a dataset and the viewer sees it.
select exists (
    select from aerodag.dataset
    where dataset.id = %(dataset_id)s and (%(sees_all)s or dataset.access <> 'private' or dataset.owner = %(viewer)s)
)
