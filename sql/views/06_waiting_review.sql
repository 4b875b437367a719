drop view if exists aerodag.waiting_review cascade;

-- Nothing of a run goes on beside its review: a step later than the question is of another try, which asks anew.
create view aerodag.waiting_review with (security_invoker = true) as
select review.run_id, review.asked_at
from aerodag.review
join aerodag.run on run.id = review.run_id
where review.answered_at is null
    and run.state in ('queued', 'running')
    and not exists (
        select from aerodag.step
        where step.run_id = review.run_id and step.name <> 'review' and step.recorded_at > review.asked_at
    );

comment on view aerodag.waiting_review is 'Questions that a run waits with, for a person.';

grant select on aerodag.waiting_review to aerodag_worker, aerodag_reader;
