"""The embedded engine: structure from motion and orthorectification in a child process.

Start it as ``python -m aerodag.photogrammetry.embedded --project-path DIR NAME``. Nothing here is imported by the
pipeline itself; `aerodag.photogrammetry.embedded_engine` starts and watches the child. Inside the child, only the
`sfm` module's own process imports pycolmap.
"""
