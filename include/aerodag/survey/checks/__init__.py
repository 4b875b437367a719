"""Checks of exposures, alone and in sequence, each giving findings."""
