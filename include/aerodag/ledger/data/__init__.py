"""What there is: datasets, their images and RTK files, products, the catalogue, and uploads that come in."""
