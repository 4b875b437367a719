select sibling.*
from aerodag.run as sibling
join aerodag.run as asked on asked.dataset_id = sibling.dataset_id and asked.id <> sibling.id
where asked.id = %(run_id)s and sibling.state in ('queued', 'running')
