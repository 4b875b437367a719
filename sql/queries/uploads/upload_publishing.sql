update aerodag.upload set source_uri = %(source_uri)s where id = %(id)s and state = 'open'
