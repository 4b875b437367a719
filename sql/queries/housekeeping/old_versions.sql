-- Beside the valid product of a kind, so many of the newest stay, of runs that succeeded and of others each. Without
-- a valid one to stand for it, without the upload, or while a run is under way, nothing of it goes.
select ranked.id, ranked.dataset_id, ranked.run_id, ranked.uri, ranked.bytes
from (
    select
        artifact.*,
        row_number() over (
            partition by artifact.dataset_id, artifact.kind, artifact.name, run.state in ('succeeded', 'degraded')
            order by run.attempt_at desc, run.id desc
        ) as place
    from aerodag.artifact
    join aerodag.run on run.id = artifact.run_id
    where artifact.dataset_id = any(%(datasets)s)
        and not artifact.is_current
        and artifact.removed_at is null
        and artifact.kind <> all(%(evidence)s)
) as ranked
join aerodag.dataset on dataset.id = ranked.dataset_id
where ranked.place > %(keep)s
    and dataset.raw_uri is not null
    and dataset.archived_at is null
    and exists (
        select from aerodag.artifact as valid
        where valid.dataset_id = ranked.dataset_id
            and valid.is_current
            and (
                (valid.kind, valid.name) = (ranked.kind, ranked.name)
                or (valid.kind = 'orthophoto' and ranked.kind = any(%(companions)s))
            )
    )
    and not exists (
        select from aerodag.artifact as other
        where other.dataset_id = ranked.dataset_id and other.uri = ranked.uri and other.is_current
    )
    and not exists (
        select from aerodag.run where run.dataset_id = ranked.dataset_id and run.state in ('queued', 'running')
    )
order by ranked.dataset_id, ranked.id
