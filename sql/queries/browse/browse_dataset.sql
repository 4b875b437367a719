-- One dataset, if the viewer sees it, with the platform's fields and the place that the metadata step found.
select
    item.*,
    dataset.licence,
    dataset.platform,
    dataset.project,
    dataset.authors,
    dataset.citation_doi,
    dataset.notes,
    dataset.captured_to,
    dataset.content_sha256,
    concat_ws(', ', metadata.details -> 'place' ->> 'name', metadata.details -> 'gadm' ->> 'NAME_0') as place
from aerodag.dataset_item as item
join aerodag.dataset on dataset.id = item.id
left join aerodag.artifact as metadata
    on metadata.dataset_id = item.id and metadata.kind = 'metadata' and metadata.name = '' and metadata.is_current
where item.id = %(dataset_id)s and (%(sees_all)s or item.access <> 'private' or item.owner = %(viewer)s)
