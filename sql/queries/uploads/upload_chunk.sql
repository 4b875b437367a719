select sha256 from aerodag.upload_chunk where upload_id = %(id)s and index = %(index)s
