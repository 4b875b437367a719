select * from aerodag.hold order by since, kind limit 1
