update aerodag.subscription set active = false where address = %(address)s and active
