"""The parts of talking to a NodeODM or ClusterODM server."""
