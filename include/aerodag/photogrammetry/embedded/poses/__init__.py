"""Where the cameras were: features, matches, bundle adjustment, and the way into the metric frame."""
