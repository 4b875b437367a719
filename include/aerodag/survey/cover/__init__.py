"""The ground that exposures cover: footprints, views, overlap, gaps."""
