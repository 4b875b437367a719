"""What is known of OpenDroneMap: options, plans, log, failures, results. Knows no Docker and no network."""
