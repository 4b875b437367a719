insert into aerodag.upload (
    id, name, upload_type, size_bytes, chunk_bytes, owner,
    licence, platform, project, authors, access, citation_doi, notes, captured_on, priority, created_at, expires_at
) values (
    %(id)s, %(name)s, %(upload_type)s, %(size_bytes)s, %(chunk_bytes)s, %(owner)s,
    %(licence)s, %(platform)s, %(project)s, %(authors)s, %(access)s, %(citation_doi)s, %(notes)s, %(captured_on)s,
    %(priority)s, %(now)s, %(expires_at)s
)
