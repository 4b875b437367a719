"""Any orthophoto in the one form that the later steps expect."""
