"""Containers on a Docker engine, as the engines of this project need them."""
