select upload.*, '{}'::integer[] as chunks from aerodag.upload where source_uri = %(source_uri)s
