delete from aerodag.upload where id = %(id)s and state <> 'complete'
