-- Of several that fit, the uploader's own comes first. The update that changes nothing makes a row come back that
-- another session commits meanwhile.
with
    known as (
        select dataset.*
        from aerodag.dataset
        where dataset.content_sha256 = %(content_sha256)s
            and dataset.archived_at is null
            and (dataset.access <> 'private' or dataset.owner = %(owner)s)
        order by dataset.owner = %(owner)s desc, dataset.id
        limit 1
    ),
    entered as (
        insert into aerodag.dataset as present (
            name, owner, source_uri, content_sha256, size_bytes, upload_type, priority,
            licence, platform, project, authors, access, citation_doi, notes
        )
        select
            %(name)s, %(owner)s, %(source_uri)s, %(content_sha256)s, %(size_bytes)s, %(upload_type)s, %(priority)s,
            %(licence)s, %(platform)s, %(project)s, %(authors)s, %(access)s, %(citation_doi)s, %(notes)s
        where not exists (select from known)
        on conflict (content_sha256, (case when access = 'private' then owner else '' end)) where archived_at is null
        do update set content_sha256 = excluded.content_sha256
        returning present.*, present.xmax = 0 as created
    )
select * from entered
union all
select known.*, false from known
