select * from aerodag.run order by id desc limit 1
