"""Where on Earth a survey lies, from data sets that packages ship: no network, nothing to set up.

- ``territories``: the country, from polygons
- ``gazetteer``: the nearest named place and its administrative areas, from points
- ``locate``: both together, with what is missing and why
- ``layers``: further layers that an installation names in its settings (``vector``, ``pixels``, ``classes``)
- ``document``: all of it as the platform's metadata record
"""
