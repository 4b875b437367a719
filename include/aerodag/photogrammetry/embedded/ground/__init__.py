"""Heights: the surface of tie points, and the dense one of stereo pairs."""
