insert into aerodag.rtk_file (dataset_id, zip_path, kind, size_bytes, sha256, records, matched, details)
values (
    %(dataset_id)s, %(zip_path)s, %(kind)s, %(size_bytes)s, %(sha256)s, %(records)s, %(matched)s, %(details)s
)
