-- First runs, and further ones that somebody requested.
select 'dataset:' || dataset.id as subject, dataset.id as dataset_id, dataset.name, dataset.start_asks as asked,
    dataset.start_asked_at as asked_at
from aerodag.dataset
where dataset.start_asks > 1
    and dataset.start_asks >= %(most_asks)s
    and dataset.archived_at is null
    and dataset.quarantined_at is null
    and dataset.start_asked_at < %(before)s
    and dataset.first_run_at is null
union all
select 'request:' || start_request.id, dataset.id, dataset.name, start_request.asked, start_request.asked_at
from aerodag.start_request
join aerodag.dataset on dataset.id = start_request.dataset_id
where start_request.asked >= %(most_asks)s
    and dataset.archived_at is null
    and start_request.asked_at < %(before)s
    and not exists (select from aerodag.run where run.dag_run_id = start_request.dag_run_id)
order by asked_at
