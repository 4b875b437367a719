select coalesce(max(id), 0) from aerodag.dataset
