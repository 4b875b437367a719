select dataset.id
from aerodag.dataset
join aerodag.run on run.dataset_id = dataset.id
where run.id = %(run_id)s
for no key update of dataset
