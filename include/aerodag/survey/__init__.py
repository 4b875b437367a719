"""The flight behind the images: what the exposures of one upload say together that no single image can."""
