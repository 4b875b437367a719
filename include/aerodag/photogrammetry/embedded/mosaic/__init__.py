"""The orthophoto: which image paints what, in which colours, cut where nobody sees it."""
