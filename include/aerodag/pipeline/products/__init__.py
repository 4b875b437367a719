"""The steps from the orthophoto on: what is made of it, how it is recorded, and what each was made from."""
