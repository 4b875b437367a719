select * from aerodag.dataset where content_sha256 = %(content_sha256)s and archived_at is null
