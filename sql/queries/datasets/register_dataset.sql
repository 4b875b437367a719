-- The update that changes nothing makes the existing row come back, also one that another session commits meanwhile.
insert into aerodag.dataset as present (
    name, owner, source_uri, content_sha256, size_bytes, upload_type, priority,
    licence, platform, project, authors, access, citation_doi, notes
) values (
    %(name)s, %(owner)s, %(source_uri)s, %(content_sha256)s, %(size_bytes)s, %(upload_type)s, %(priority)s,
    %(licence)s, %(platform)s, %(project)s, %(authors)s, %(access)s, %(citation_doi)s, %(notes)s
)
on conflict (content_sha256) where archived_at is null
do update set content_sha256 = excluded.content_sha256
returning present.*, present.xmax = 0 as created
