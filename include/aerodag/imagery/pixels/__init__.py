"""What one reduced decode of an image tells: soundness, sharpness, exposure, ground, a thumbnail."""
