"""Photogrammetry engines: a prepared project of images in, an orthophoto and its facts out."""
