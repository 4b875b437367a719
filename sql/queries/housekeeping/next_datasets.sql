select id from aerodag.dataset where id > %(after)s and archived_at is null order by id limit %(limit)s
