-- What runs failed of in the last %(days)s days: how many, which part of the failures, whom it concerned, the newest
-- example with its own sentence and advice.
select
    run.failure_code as code,
    mode() within group (order by run.failure_category) as category,
    count(*) as runs,
    round(count(*)::numeric / sum(count(*)) over (), 3) as share,
    count(distinct run.dataset_id) as datasets,
    date_trunc('second', max(run.finished_at)) as last_at,
    (array_agg(run.id order by run.finished_at desc))[1] as example_run,
    (array_agg(run.message order by run.finished_at desc))[1] as message,
    (array_agg(run.advice order by run.finished_at desc))[1] as advice
from aerodag.run
where run.state = 'failed' and run.finished_at >= now() - make_interval(days => %(days)s)
group by run.failure_code
order by runs desc, code
limit %(limit)s
