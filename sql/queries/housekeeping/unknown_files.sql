select found.uri, found.bytes
from unnest(%(uris)s::text[], %(sizes)s::bigint[], %(datasets)s::bigint[]) as found (uri, bytes, dataset_id)
where not exists (select from aerodag.artifact where artifact.uri = found.uri)
    and not exists (select from aerodag.dataset where dataset.raw_uri = found.uri)
    and not exists (
        select from aerodag.event
        where event.kind = 'upload.refused' and event.details ->> 'quarantine_uri' = found.uri
    )
    -- What a step has just made is recorded a moment later.
    and not exists (
        select from aerodag.run where run.dataset_id = found.dataset_id and run.state in ('queued', 'running')
    )
