-- Whose a dataset is, if the viewer sees it.
select dataset.owner, dataset.access
from aerodag.dataset
where dataset.id = %(dataset_id)s and (%(sees_all)s or dataset.access <> 'private' or dataset.owner = %(viewer)s)
